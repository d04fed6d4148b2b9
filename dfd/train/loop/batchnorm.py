"""BatchNorm statistics measured on training crops instead of averaged over many steps.

A moving average with momentum 0.99 needs hundreds of steps to follow the weights. A short run is
validated long before that, with statistics that do not fit the weights. Here the statistics are
computed on training crops with the current weights before each validation: "precise BatchNorm" in
Wu and Johnson, *Rethinking "Batch" in BatchNorm* (2021, arXiv:2105.07576), section 3.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from dfd.errors import TrainError
from dfd.train.loop.validation import accuracy

Floats = npt.NDArray[np.float32]

_ALLOWED_DIFFERENCE = 0.2


def batchnorm_layers(model: keras.Model) -> Iterator[Any]:
    """Yield every BatchNormalization layer of a model and of the models inside it, in order."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from batchnorm_layers(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            yield layer


def reestimate(model: keras.Model, batches: Iterable[Any]) -> list[Floats]:
    """Replace the moving statistics of a model's BatchNorm layers by those of the given batches.

    Frozen layers keep their statistics, which they also use in training mode. The weights do not
    change, and the result does not depend on the earlier statistics.

    Args:
        model: The model, changed in place.
        batches: Inputs of the model, a few hundred crops in all.

    Returns:
        The output of the model for each batch, in training mode.

    Example:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
        >>> _ = reestimate(model, [np.array([[1.0], [3.0]]), np.array([[5.0], [7.0]])])
        >>> norm = model.layers[0]
        >>> float(norm.moving_mean[0]), float(norm.moving_variance[0])
        (4.0, 5.0)
    """
    norms = [layer for layer in batchnorm_layers(model) if layer.trainable]
    momenta = [layer.momentum for layer in norms]
    means = [np.zeros(layer.moving_mean.shape) for layer in norms]
    squares = [np.zeros(layer.moving_mean.shape) for layer in norms]
    outputs: list[Floats] = []
    try:
        for layer in norms:
            layer.momentum = 0.0  # the moving statistics become those of the last batch
        for batch in batches:
            # The model is called directly: the compiled functions of fit and predict contain the
            # usual momentum as a constant.
            outputs.append(keras.ops.convert_to_numpy(model(batch, training=True)))
            size = len(outputs[-1])
            for layer, mean, square in zip(norms, means, squares, strict=True):
                batch_mean = keras.ops.convert_to_numpy(layer.moving_mean).astype(np.float64)
                batch_var = keras.ops.convert_to_numpy(layer.moving_variance)
                mean += size * batch_mean
                square += size * (batch_var + batch_mean**2)
    finally:
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum
    total = sum(map(len, outputs))
    for layer, mean, square in zip(norms, means, squares, strict=True):
        # Law of total variance: the mean of the squares less the square of the mean.
        layer.moving_mean.assign(mean / total)
        layer.moving_variance.assign(np.maximum(square / total - (mean / total) ** 2, 0))
    return outputs


def reestimate_checked(
    model: keras.Model, batches: Sequence[tuple[Any, Floats]], epoch: int
) -> float:
    """Re-estimate the BatchNorm statistics, and check that inference then agrees with training.

    Args:
        model: The model of the inputs in ``batches``, changed in place.
        batches: Batches of a ``Feed``: inputs and one-hot targets.
        epoch: Number of the epoch, for the error message.

    Returns:
        The accuracy in inference mode on these batches, 0..1.

    Raises:
        TrainError: The accuracy on these batches is lower by more than 0.2 in inference mode than
            in training mode.
    """
    targets = np.concatenate([batch_targets for _, batch_targets in batches])
    trained = accuracy(
        np.concatenate(reestimate(model, [inputs for inputs, _ in batches])), targets
    )
    predictions = [model.predict_on_batch(inputs) for inputs, _ in batches]
    inferred = accuracy(np.concatenate(predictions), targets)
    if inferred < trained - _ALLOWED_DIFFERENCE:
        raise TrainError(
            f"train: epoch {epoch}: the accuracy on the same training crops is {trained:.2f} while "
            f"training but {inferred:.2f} afterwards: batches are too small for BatchNorm; raise "
            "batch_size or lower learning_rate"
        )
    return inferred
