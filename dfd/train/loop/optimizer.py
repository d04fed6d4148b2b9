"""The optimizer: Adam with decoupled decay, a warm-up and a cosine, and averaged weights."""

from typing import Any

import keras
from keras import ops


class AveragingAdamW(keras.optimizers.AdamW):  # type: ignore[misc]
    """AdamW with a moving average of the weights that follows from the first step on.

    Keras' own average starts at the first weights and leaves them behind only after hundreds of
    steps, more than a short run has. Here the decay of step t is at most (1 + t) / (10 + t), as in
    TensorFlow's ``ExponentialMovingAverage``. Nor does the average replace the weights whenever a
    call of ``fit`` ends.
    """

    def averages(self) -> dict[str, Any]:
        """Return the average of every weight that learns, by its path; none where none is kept."""
        if not self.use_ema:
            return {}
        pairs = zip(self._trainable_variables, self._model_variables_moving_average, strict=True)
        return {variable.path: average for variable, average in pairs}

    def finalize_variable_values(self, var_list: Any) -> None:
        """Do nothing: ``fit`` ends after every epoch, and training goes on from the weights."""

    def _update_model_variables_moving_average(self, trainable_variables: Any) -> None:
        step = ops.cast(self.iterations, "float32")
        decay = ops.minimum(self.ema_momentum, (1.0 + step) / (10.0 + step))
        for variable, average in zip(
            trainable_variables, self._model_variables_moving_average, strict=True
        ):
            weight = ops.cast(decay, average.dtype)
            average.assign(weight * average + (1 - weight) * variable)


def build_optimizer(
    rate: float, steps: int, weight_decay: float, clip_norm: float, ema_decay: float
) -> AveragingAdamW:
    """Return an optimizer for a phase of training.

    Args:
        rate: Highest learning rate; reached after the first tenth of the steps, 0 after the last.
        steps: Number of steps.
        weight_decay: Decay of kernels, relative to the rate; biases and normalisation keep theirs.
        clip_norm: Greatest norm of all gradients together.
        ema_decay: Decay of the average of the weights; 0 for none.
    """
    optimizer = AveragingAdamW(
        _cosine(rate, steps),
        weight_decay=weight_decay,
        global_clipnorm=clip_norm,
        use_ema=ema_decay > 0,
        ema_momentum=ema_decay,
        ema_overwrite_frequency=None,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _cosine(rate: float, steps: int) -> keras.optimizers.schedules.CosineDecay:
    warmup = steps // 10
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=rate / 10 if warmup else rate,
        decay_steps=steps - warmup,
        warmup_target=rate if warmup else None,
        warmup_steps=warmup,
    )
