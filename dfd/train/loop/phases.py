"""Which layers learn in which phase, and the compiled step of each."""

import difflib

import keras

from dfd.errors import TrainError
from dfd.params.training import CandidateParams
from dfd.train.loop.batchnorm import batchnorm_layers
from dfd.train.loop.optimizer import build_optimizer


def free(model: keras.Model, params: CandidateParams, pretrained: bool) -> None:
    """Set which layers of a detector learn when it is fine-tuned.

    The BatchNorm layers of a pretrained backbone stay in inference mode: the statistics of small
    batches would undo what the weights were trained with. From random weights everything learns.

    Args:
        model: A model of ``build_model``, changed in place.
        params: The candidate; ``finetune_from`` is read.
        pretrained: Whether the backbone started from trained weights.

    Raises:
        TrainError: The backbone has no layer of that name.
    """
    backbone = model.get_layer("backbone")
    names = [layer.name for layer in backbone.layers]
    first = params.finetune_from
    if first is not None and first not in names:
        near = difflib.get_close_matches(first, names, n=3, cutoff=0.3) or names[-3:]
        raise TrainError(
            f"train.finetune_from: {params.backbone} has no layer {first!r}; there are, among "
            f"others, {', '.join(near)}"
        )
    if not pretrained:
        return
    for layer in backbone.layers[: names.index(first) if first else 0]:
        layer.trainable = False
    for layer in batchnorm_layers(backbone):
        layer.trainable = False


def compile_step(model: keras.Model, params: CandidateParams, steps: int, xla: bool) -> None:
    """Compile a model for the fine-tuning phase with a fresh optimizer.

    Args:
        model: What is fed the batches of a ``Feed``; changed in place.
        params: The candidate.
        steps: Number of steps of the whole phase.
        xla: Whether XLA compiles the step.
    """
    optimizer = build_optimizer(
        params.learning_rate, steps, params.weight_decay, params.clip_norm, params.ema_decay
    )
    compile_with(model, optimizer, params.label_smoothing, xla)


def compile_with(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    smoothing: float,
    xla: bool,
    at_once: int = 1,
) -> None:
    """Compile a model of probabilities with this project's loss and figures.

    Args:
        model: From any input to the probabilities of (REAL, FAKE); changed in place.
        optimizer: A fresh one.
        smoothing: Share of a target that goes to the other class.
        xla: Whether XLA compiles the step.
        at_once: Steps run without returning to Python, for those that take less than that costs.
    """
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.BinaryCrossentropy(label_smoothing=smoothing),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy"), keras.metrics.AUC(name="auc")],
        jit_compile=xla,
        steps_per_execution=at_once,
    )
    # Left to the first step, it would have TensorFlow trace that step twice: half a minute for
    # InceptionResNetV2.
    model.optimizer.build(model.trainable_variables)
