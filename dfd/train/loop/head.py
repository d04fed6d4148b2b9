"""The head phase: the frozen backbone computes features once, and the head is trained on them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from dfd.arrays import Images, Scores
from dfd.params.training import CandidateParams
from dfd.scoring.aggregate import precise_scores
from dfd.train.feed.feed import Feed
from dfd.train.feed.tone import UNCHANGED, with_tone_augmentation
from dfd.train.loop.optimizer import build_optimizer, compile_model
from dfd.train.loop.validation import accuracy, full_batches

Floats = npt.NDArray[np.float32]

_BATCH_SIZE = 256  # features are small, so large batches fit
_INFERENCE_CROPS = 256  # training crops on which the accuracy in inference mode is measured


@dataclass(frozen=True)
class Features:
    """Features of training crops, and their targets.

    Attributes:
        values: The output of the backbone, float32 (N, D).
        targets: One-hot float32 (N, 2) over (REAL, FAKE).
    """

    values: Floats
    targets: Floats


def backbone_of(detector: keras.Model) -> keras.Model:
    """Return the model from ``(pixels, tones)`` to the features that the head is fed.

    Args:
        detector: A network of ``build_model``; the returned model shares its layers.
    """
    trunk = keras.Model(detector.inputs, detector.get_layer("dropout").input)
    return with_tone_augmentation(trunk)


def features_of_feeds(
    backbone: keras.Model,
    feeds: Sequence[Feed],
    on_step: Callable[[int, int], None] = lambda step, steps: None,
) -> Features:
    """Return the features of all training crops, in as many augmented views as there are feeds.

    Args:
        backbone: The model that ``backbone_of`` returns.
        feeds: One feed per view, each of another epoch number.
        on_step: Called after every batch with the number of batches done, and that of all feeds.
    """
    values, targets = [], []
    steps = sum(len(feed) for feed in feeds)
    for feed in feeds:
        for inputs, batch_targets in feed:
            values.append(backbone.predict_on_batch(inputs))
            targets.append(batch_targets)
            on_step(len(values), steps)
    return Features(np.concatenate(values), np.concatenate(targets))


def features_of_crops(backbone: keras.Model, chunks: Iterable[Images], batch_size: int) -> Floats:
    """Return the features, float32 (N, D), of crops without augmentation.

    Args:
        backbone: The model that ``backbone_of`` returns.
        chunks: uint8 (n, S, S, 3) RGB of the network's input size S.
        batch_size: Crops computed together.
    """
    values = []
    for chunk in chunks:
        for batch, count in full_batches(chunk, batch_size):
            inputs = batch, np.tile(UNCHANGED, (batch_size, 1))
            values.append(backbone.predict_on_batch(inputs)[:count])
    return np.concatenate(values)


def train_head(
    detector: keras.Model,
    train: Features,
    validation: Floats,
    params: CandidateParams,
    on_epoch: Callable[[dict[str, float], Scores], bool],
) -> None:
    """Train the head of a detector on features.

    Args:
        detector: A network of ``build_model``; its head is updated after every epoch.
        train: Features of the training crops.
        validation: Features of the validation crops, float32 (V, D).
        params: The parameters of the candidate.
        on_epoch: Called after every epoch with the training figures and P(FAKE) of the validation
            crops, float64 (V,); training stops when it returns False.
    """
    detector_head = detector.get_layer("probabilities")
    # The head is fed row numbers and looks the features up: they are copied to the device once.
    count, width = train.values.shape
    rows = keras.Input((), dtype="int32", name="rows")
    features = layers.Embedding(count, width, trainable=False, name="features")
    dropout = layers.Dropout(params.dropout, seed=params.seed, name="dropout")
    probabilities = layers.Dense(2, activation="softmax", name="probabilities")
    head = keras.Model(rows, probabilities(dropout(features(rows))), name="head")
    features.set_weights([train.values])
    probabilities.set_weights(detector_head.get_weights())
    given = keras.Input((width,), name="given")
    inference_head = keras.Model(given, probabilities(given), name="inference_head")
    steps = -(-count // _BATCH_SIZE)
    optimizer = build_optimizer(
        params.head_learning_rate,
        steps * params.head_epochs,
        params.weight_decay,
        params.clip_norm,
        ema_decay=0,
    )
    compile_model(head, optimizer, params.label_smoothing, xla=False, steps_per_execution=steps)
    for epoch in range(params.head_epochs):
        rng = np.random.default_rng((params.seed, epoch))
        # Every batch is full, so that the step is compiled for one shape only.
        order = np.resize(rng.permutation(count), steps * _BATCH_SIZE)
        logs = head.fit(
            order.astype(np.int32), train.targets[order], _BATCH_SIZE, shuffle=False, verbose=0
        ).history
        detector_head.set_weights(probabilities.get_weights())
        figures = {name: float(values[0]) for name, values in logs.items()}
        figures["learning_rate"] = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        predictions = inference_head.predict_on_batch(train.values[:_INFERENCE_CROPS])
        figures["inference_accuracy"] = accuracy(
            np.asarray(predictions), train.targets[:_INFERENCE_CROPS]
        )
        scores = precise_scores(inference_head.predict_on_batch(validation))
        if not on_epoch(figures, scores):
            return
