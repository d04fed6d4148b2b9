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


class TrainingMode(keras.Model):  # type: ignore[misc]
    """A model that runs another one in training mode, also when it predicts.

    A backend compiles ``predict_on_batch`` once for each such model, so keep the model where its
    statistics are estimated again and again.

    Attributes:
        network: The model that is run.
    """

    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        self.network = network

    def call(self, inputs: Any) -> Any:
        """Return the output of the network in training mode."""
        return self.network(inputs, training=True)


def reestimate(model: TrainingMode, batches: Iterable[Any]) -> list[Floats]:
    """Replace the moving statistics of a network's BatchNorm layers by those of the given batches.

    Frozen layers keep their statistics, which they also use in training mode. The weights do not
    change, and the result does not depend on the earlier statistics.

    Args:
        model: The network in training mode; it is changed in place.
        batches: Inputs of the network, a few hundred crops in all.

    Returns:
        The output of the network for each batch, in training mode.

    Example:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
        >>> batches = [np.array([[1.0], [3.0]]), np.array([[5.0], [7.0]])]
        >>> _ = reestimate(TrainingMode(model), batches)
        >>> norm = model.layers[0]
        >>> float(norm.moving_mean[0]), float(norm.moving_variance[0])
        (4.0, 5.0)
    """
    norms = [layer for layer in batchnorm_layers(model.network) if layer.trainable]
    momenta = [layer.momentum for layer in norms]
    means = [np.zeros(layer.moving_mean.shape) for layer in norms]
    squares = [np.zeros(layer.moving_mean.shape) for layer in norms]
    outputs: list[Floats] = []
    try:
        for layer in norms:
            # The moving statistics become those of the last batch. The momentum is a constant in
            # the compiled functions, so this one is compiled for no other purpose.
            layer.momentum = 0.0
        for batch in batches:
            outputs.append(model.predict_on_batch(batch))
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
    model: TrainingMode, batches: Sequence[tuple[Floats, Floats]], epoch: int
) -> float:
    """Re-estimate the BatchNorm statistics, and check that inference then agrees with training.

    Args:
        model: The network in training mode; it is changed in place.
        batches: Inputs of the network, and one-hot targets.
        epoch: Number of the epoch, for the error message.

    Returns:
        The accuracy in inference mode on the first half of the batches, 0..1.

    Raises:
        TrainError: The accuracy on the first half of the batches is lower by more than 0.2 in
            inference mode than in training mode.
    """
    outputs = reestimate(model, [inputs for inputs, _ in batches])
    checked = batches[: (len(batches) + 1) // 2]
    targets = np.concatenate([batch_targets for _, batch_targets in checked])
    trained = accuracy(np.concatenate(outputs[: len(checked)]), targets)
    predictions = [model.network.predict_on_batch(inputs) for inputs, _ in checked]
    inferred = accuracy(np.concatenate(predictions), targets)
    if inferred < trained - _ALLOWED_DIFFERENCE:
        raise TrainError(
            f"train: epoch {epoch}: the accuracy on the same training crops is {trained:.2f} while "
            f"training but {inferred:.2f} afterwards: batches are too small for BatchNorm; raise "
            "batch_size or lower learning_rate"
        )
    return inferred
