"""The optimizer: AdamW with warm-up, cosine decay and EMA weights; and the compiled step."""

from typing import Any

import keras
from keras import ops

from dfd.params.training import CandidateParams


class AveragingAdamW(keras.optimizers.AdamW):  # type: ignore[misc]
    """AdamW with an exponential moving average (EMA) of the weights that suits short runs.

    The EMA of Keras starts at the initial weights and leaves them behind only after hundreds of
    steps, which is more than a short run has. Here the decay at step t is at most
    (1 + t) / (10 + t), as in TensorFlow's ``ExponentialMovingAverage``. The average also never
    replaces the trained weights: it is read with ``averages``.

    The learning rate and the bias corrections are computed once in a step. Keras computes them anew
    for each weight, and half of the operations of InceptionResNetV2's step would be copies of them.
    """

    def averages(self) -> dict[str, Any]:
        """Return the EMA of every trainable weight, by the weight's path; empty without an EMA."""
        if not self.use_ema:
            return {}
        pairs = zip(self._trainable_variables, self._model_variables_moving_average, strict=True)
        return {variable.path: average for variable, average in pairs}

    def finalize_variable_values(self, var_list: Any) -> None:
        """Do nothing: Keras would copy the average into the weights whenever ``fit`` ends.

        ``fit`` ends after every epoch here, and training continues from the weights themselves.
        """

    def _apply_weight_decay(self, variables: Any) -> None:
        rate = self.learning_rate
        for variable in variables:
            if self._use_weight_decay(variable):
                variable.assign(variable - variable * self.weight_decay * rate)

    def _backend_update_step(
        self, grads: Any, trainable_variables: Any, learning_rate: Any
    ) -> None:
        step = ops.cast(self.iterations + 1, "float32")
        corrected = learning_rate * ops.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        super()._backend_update_step(grads, trainable_variables, corrected)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one weight as in Kingma and Ba, *Adam* (2015), end of section 2.

        Args:
            gradient: The gradient of the weight.
            variable: The weight.
            learning_rate: The learning rate times the corrections of the bias of both moments.
        """
        index = self._get_variable_index(variable)
        mean, square = self._momentums[index], self._velocities[index]
        self.assign_add(mean, (gradient - mean) * (1 - self.beta_1))
        self.assign_add(square, (ops.square(gradient) - square) * (1 - self.beta_2))
        self.assign_sub(variable, mean * learning_rate / (ops.sqrt(square) + self.epsilon))

    def _update_model_variables_moving_average(self, trainable_variables: Any) -> None:
        step = ops.cast(self.iterations, "float32")
        decay = ops.minimum(self.ema_momentum, (1.0 + step) / (10.0 + step))
        for variable, average in zip(
            trainable_variables, self._model_variables_moving_average, strict=True
        ):
            weight = ops.cast(decay, average.dtype)
            average.assign(weight * average + (1 - weight) * variable)


def build_optimizer(
    learning_rate: float, steps: int, weight_decay: float, clip_norm: float, ema_decay: float
) -> AveragingAdamW:
    """Return an optimizer for one phase of training.

    Args:
        learning_rate: Highest learning rate. The rate climbs to it over the first tenth of the
            steps and falls along a cosine to 0 at the last step.
        steps: Number of steps of the phase.
        weight_decay: Decay of the kernels per step, relative to the learning rate; biases and the
            weights of normalisation layers do not decay.
        clip_norm: Greatest norm of all gradients together.
        ema_decay: Decay of the moving average of the weights, 0..1; 0 for no average.

    Example:
        >>> optimizer = build_optimizer(0.1, 100, weight_decay=0, clip_norm=1, ema_decay=0)
        >>> schedule = optimizer._learning_rate
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 55, 100)]
        [0.01, 0.055, 0.1, 0.05, 0.0]
    """
    optimizer = AveragingAdamW(
        _warmup_and_cosine(learning_rate, steps),
        weight_decay=weight_decay,
        global_clipnorm=clip_norm,
        use_ema=ema_decay > 0,
        ema_momentum=ema_decay,
        ema_overwrite_frequency=None,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _warmup_and_cosine(learning_rate: float, steps: int) -> keras.optimizers.schedules.CosineDecay:
    warmup = steps // 10
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=learning_rate / 10 if warmup else learning_rate,
        decay_steps=steps - warmup,
        warmup_target=learning_rate if warmup else None,
        warmup_steps=warmup,
    )


def compile_fine_tuning(model: keras.Model, params: CandidateParams, steps: int, xla: bool) -> None:
    """Compile a model for the full phase, with a new optimizer.

    Args:
        model: A model of the batches of a ``Feed``; changed in place.
        params: The parameters of the candidate.
        steps: Number of steps of the whole phase.
        xla: Whether XLA compiles the step.
    """
    optimizer = build_optimizer(
        params.learning_rate, steps, params.weight_decay, params.clip_norm, params.ema_decay
    )
    compile_model(model, optimizer, params.label_smoothing, xla)


def compile_model(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    label_smoothing: float,
    xla: bool,
    steps_per_execution: int = 1,
) -> None:
    """Compile a classifier with binary cross-entropy, accuracy and AUC.

    Args:
        model: A model to the probabilities of (REAL, FAKE); changed in place.
        optimizer: A new optimizer.
        label_smoothing: Share of a target that is given to the other class, 0..1.
        xla: Whether XLA compiles the step.
        steps_per_execution: Steps between two returns to Python; more than 1 pays where a step is
            shorter than such a return.
    """
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy"), keras.metrics.AUC(name="auc")],
        jit_compile=xla,
        steps_per_execution=steps_per_execution,
    )
    # If the first step built the optimizer, TensorFlow would trace that step twice, which takes
    # half a minute with InceptionResNetV2.
    model.optimizer.build(model.trainable_variables)
