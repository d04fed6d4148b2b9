"""Batch-normalisation statistics measured afresh instead of waited for.

A moving average with momentum 0.99 needs hundreds of steps to follow the weights. A short run
validates long before that and sees a network that, in inference mode, is not the one being trained.
The remedy is to measure the statistics on training crops with the weights as they are: "precise
BatchNorm", Wu and Johnson, *Rethinking "Batch" in BatchNorm* (2021, arXiv:2105.07576), section 3.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def batchnorm_layers(model: keras.Model) -> Iterator[Any]:
    """Yield every BatchNormalization layer of a model, nested models included, in order."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from batchnorm_layers(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            yield layer


def reestimate(model: keras.Model, batches: Iterable[Any]) -> list[Floats]:
    """Set the moving statistics of a model to those of the given batches.

    Layers that are not trainable keep theirs: they also use them while training. The weights
    do not change, and the result does not depend on the statistics held before.

    Args:
        model: The model, changed in place.
        batches: What the model is fed, a few hundred crops in all.

    Returns:
        What the model said of each batch in training mode.
    """
    norms = [layer for layer in batchnorm_layers(model) if layer.trainable]
    momenta = [layer.momentum for layer in norms]
    means = [np.zeros(layer.moving_mean.shape) for layer in norms]
    squares = [np.zeros(layer.moving_mean.shape) for layer in norms]
    said: list[Floats] = []
    try:
        for layer in norms:
            layer.momentum = 0.0  # the moving statistics become those of the last batch
        for batch in batches:
            # Called directly rather than through fit or predict, whose compiled functions hold the
            # usual momentum and stay as they are.
            said.append(keras.ops.convert_to_numpy(model(batch, training=True)))
            for layer, mean, square in zip(norms, means, squares, strict=True):
                batch_mean = keras.ops.convert_to_numpy(layer.moving_mean).astype(np.float64)
                batch_var = keras.ops.convert_to_numpy(layer.moving_variance)
                mean += len(said[-1]) * batch_mean
                square += len(said[-1]) * (batch_var + batch_mean**2)
    finally:
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum
    total = sum(map(len, said))
    for layer, mean, square in zip(norms, means, squares, strict=True):
        # Law of total variance: the mean of the squares less the square of the mean.
        layer.moving_mean.assign(mean / total)
        layer.moving_variance.assign(np.maximum(square / total - (mean / total) ** 2, 0))
    return said
