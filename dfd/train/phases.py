"""The phases of a training run: which layers learn, how fast and for how long."""

from dataclasses import dataclass
from typing import Literal

import keras

from dfd.params import CandidateParams
from dfd.train.batchnorm import batchnorm_layers

PhaseName = Literal["head", "full"]


@dataclass(frozen=True)
class Phase:
    """A phase: ``head`` trains the layers after the backbone alone, ``full`` all of them.

    ``rate`` is Adam's highest learning rate.
    """

    name: PhaseName
    epochs: int
    rate: float


def plan(params: CandidateParams, pretrained: bool) -> list[Phase]:
    """Return the phases of a candidate; a head has nothing to learn from a random backbone."""
    full = Phase("full", params.epochs, params.learning_rate)
    if pretrained and params.head_epochs:
        return [Phase("head", params.head_epochs, params.head_learning_rate), full]
    return [full]


def begin(model: keras.Model, phase: Phase, pretrained: bool, steps_per_epoch: int) -> None:
    """Freeze what a phase leaves alone and compile the model with a fresh optimizer.

    The BatchNorm layers of a pretrained backbone stay in inference mode in both phases: the
    statistics of small batches would undo what the weights were trained with.

    Args:
        model: A model of ``build_model``, changed in place.
        phase: The phase that begins.
        pretrained: Whether the backbone started from trained weights.
        steps_per_epoch: Number of batches per epoch.
    """
    backbone = model.get_layer("backbone")
    backbone.trainable = phase.name == "full"
    if pretrained:
        for layer in batchnorm_layers(backbone):
            layer.trainable = False
    # jit_compile stays at Keras' "auto": XLA for JAX and on a GPU, none for TensorFlow on a CPU,
    # where it is several times slower.
    model.compile(
        optimizer=keras.optimizers.Adam(_cosine(phase.rate, phase.epochs * steps_per_epoch)),
        loss=keras.losses.BinaryCrossentropy(),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        weighted_metrics=[],
    )
    # Left to the first step, it would have TensorFlow trace that step twice: half a minute for
    # InceptionResNetV2.
    model.optimizer.build(model.trainable_variables)


def _cosine(rate: float, steps: int) -> keras.optimizers.schedules.CosineDecay:
    """Return a rate that climbs from a tenth over the first tenth of the steps, and falls to 0."""
    warmup = steps // 10
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=rate / 10 if warmup else rate,
        decay_steps=steps - warmup,
        warmup_target=rate if warmup else None,
        warmup_steps=warmup,
    )
