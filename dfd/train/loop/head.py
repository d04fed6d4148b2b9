"""The frozen phase: the backbone runs once per crop, and the head learns from what it said."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from dfd.params.training import CandidateParams
from dfd.train.feed.feed import Feed
from dfd.train.feed.tone import UNCHANGED, with_look
from dfd.train.loop.optimizer import build_optimizer
from dfd.train.loop.phases import compile_with
from dfd.train.loop.scores import full_batches

Floats = npt.NDArray[np.float32]

_BATCH = 256  # features are small: few large steps
_PROBE = 256


@dataclass(frozen=True)
class Features:
    """What the backbone says of crops: float32 (N, D), and their one-hot targets, (N, 2)."""

    values: Floats
    targets: Floats


def backbone_of(detector: keras.Model) -> keras.Model:
    """Return the model from ``(pixels, looks)`` to the features a detector's head sees."""
    trunk = keras.Model(detector.inputs, detector.get_layer("dropout").input)
    return with_look(trunk)


def features_of_feeds(backbone: keras.Model, feeds: Iterable[Feed]) -> Features:
    """Return the features of every crop of some epochs, altered as they come.

    Args:
        backbone: As from ``backbone_of``.
        feeds: One per view of the crops.
    """
    values, targets = [], []
    for feed in feeds:
        for inputs, wanted in feed:
            values.append(backbone.predict_on_batch(inputs))
            targets.append(wanted)
    return Features(np.concatenate(values), np.concatenate(targets))


def features_of_crops(
    backbone: keras.Model, chunks: Iterable[npt.NDArray[np.uint8]], batch_size: int
) -> Floats:
    """Return the features, float32 (N, D), of crops as they are.

    Args:
        backbone: As from ``backbone_of``.
        chunks: uint8 (n, S, S, 3) RGB of the network's input size.
        batch_size: Crops computed at once.
    """
    values = []
    for chunk in chunks:
        for full, n in full_batches(chunk, batch_size):
            inputs = full, np.tile(UNCHANGED, (batch_size, 1))
            values.append(backbone.predict_on_batch(inputs)[:n])
    return np.concatenate(values)


def accuracy(probabilities: Floats, targets: Floats) -> float:
    """Return the share of crops, 0..1, whose likelier class is theirs; both (N, 2)."""
    return float(np.mean(probabilities.argmax(axis=1) == targets.argmax(axis=1)))


def train_head(
    detector: keras.Model,
    train: Features,
    validation: Floats,
    params: CandidateParams,
    on_epoch: Callable[[dict[str, float], npt.NDArray[np.float32]], bool],
) -> None:
    """Train a detector's head on features.

    Args:
        detector: A model of ``build_model``; its head is kept up to date after every epoch.
        train: Features to learn from.
        validation: Features of the validation crops, (V, D).
        params: The candidate.
        on_epoch: Called after every epoch with the figures seen in training and P(FAKE) of the
            validation crops, float32 (V,); returns whether to go on.
    """
    final = detector.get_layer("probabilities")
    # Fed by row, the head looks features up where it runs: they are copied there once.
    count, width = train.values.shape
    rows = keras.Input((), dtype="int32", name="rows")
    features = layers.Embedding(count, width, trainable=False, name="features")
    dropout = layers.Dropout(params.dropout, seed=params.seed, name="dropout")
    probabilities = layers.Dense(2, activation="softmax", name="probabilities")
    head = keras.Model(rows, probabilities(dropout(features(rows))), name="head")
    features.set_weights([train.values])
    probabilities.set_weights(final.get_weights())
    given = keras.Input((width,), name="given")
    judge = keras.Model(given, probabilities(given), name="judge")
    steps = -(-count // _BATCH)
    optimizer = build_optimizer(
        params.head_learning_rate,
        steps * params.head_epochs,
        params.weight_decay,
        params.clip_norm,
        ema_decay=0,
    )
    compile_with(head, optimizer, params.label_smoothing, xla=False, at_once=steps)
    for epoch in range(params.head_epochs):
        rng = np.random.default_rng((params.seed, epoch))
        order = np.resize(rng.permutation(count), steps * _BATCH)  # full batches: one shape
        logs = head.fit(
            order.astype(np.int32), train.targets[order], _BATCH, shuffle=False, verbose=0
        ).history
        final.set_weights(probabilities.get_weights())
        seen = {name: float(values[0]) for name, values in logs.items()}
        seen["learning_rate"] = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        probe = train.values[:_PROBE], train.targets[:_PROBE]
        seen["inference_accuracy"] = accuracy(
            np.asarray(judge.predict_on_batch(probe[0])), probe[1]
        )
        if not on_epoch(seen, np.asarray(judge.predict_on_batch(validation))[:, 1]):
            return
