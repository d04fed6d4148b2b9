"""Scores of a Keras network, and the figures of an epoch computed from them."""

from collections.abc import Iterator

import keras
import numpy as np
import numpy.typing as npt

from dfd.arrays import Images, Scores
from dfd.scoring.aggregate import precise_scores, video_scores
from dfd.scoring.metrics import auc
from dfd.train.feed.crops import Crops


def fake_scores(model: keras.Model, images: Images, batch_size: int = 32) -> Scores:
    """Return P(FAKE), float64 (N,), of images.

    Args:
        model: A network from uint8 RGB pixels to the probabilities of (REAL, FAKE).
        images: uint8 (N, S, S, 3) RGB of the network's input size S; N may be 0.
        batch_size: Images computed together.

    Example:
        >>> import keras, numpy as np
        >>> pixels = keras.Input((8, 8, 3))
        >>> features = keras.layers.GlobalAveragePooling2D()(pixels)
        >>> model = keras.Model(pixels, keras.layers.Dense(2, activation="softmax")(features))
        >>> fake_scores(model, np.zeros((3, 8, 8, 3), np.uint8))
        array([0.5, 0.5, 0.5])
    """
    scores = [
        # Float pixels, as everywhere in training: a backend compiles the network anew for a type.
        precise_scores(model.predict_on_batch(batch.astype(np.float32))[:count])
        for batch, count in full_batches(images, batch_size)
    ]
    return np.concatenate([np.empty(0), *scores])


def full_batches(images: Images, batch_size: int) -> Iterator[tuple[Images, int]]:
    """Yield images in batches of one shape, each with the number of images that are in it.

    The last batch is filled up with black images: a backend compiles the network anew for every
    shape of a batch.

    Args:
        images: uint8 (N, S, S, 3); N may be 0.
        batch_size: Number of images in each batch.

    Example:
        >>> import numpy as np
        >>> images = np.ones((5, 8, 8, 3), np.uint8)
        >>> [(batch.shape, count) for batch, count in full_batches(images, 4)]
        [((4, 8, 8, 3), 4), ((4, 8, 8, 3), 1)]
    """
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        count = len(batch)
        padding = np.zeros((batch_size - count, *batch.shape[1:]), np.uint8)
        yield np.concatenate([batch, padding]), count


def accuracy(probabilities: npt.NDArray[np.float32], targets: npt.NDArray[np.float32]) -> float:
    """Return the share of crops, 0..1, whose likelier class is the true one.

    Args:
        probabilities: float (N, 2) over (REAL, FAKE).
        targets: One-hot (N, 2) over (REAL, FAKE).

    Example:
        >>> import numpy as np
        >>> accuracy(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([[1, 0], [0, 1]]))
        0.5
    """
    return float(np.mean(probabilities.argmax(axis=1) == targets.argmax(axis=1)))


def validation_figures(crops: Crops, scores: Scores) -> dict[str, float]:
    """Return the figures of an epoch whose names in ``EpochRecord`` begin with ``val_``.

    Args:
        crops: The validation crops; both classes are present.
        scores: P(FAKE) of each crop, float64 (N,).
    """
    labels = crops.labels
    scored = crops.table.assign(score=scores)
    videos = video_scores(scored)
    of_label = np.clip(np.where(labels == 1, scores, 1 - scores), 1e-7, 1, dtype=np.float64)
    losses = -np.log(of_label)
    return {
        "val_loss": float(np.mean([losses[labels == label].mean() for label in (0, 1)])),
        "val_accuracy": float(np.mean((scores >= 0.5) == (labels == 1))),
        "val_frame_auc": auc(scored["label"], scores) or 0.0,
        "val_video_auc": auc(videos["label"], videos["score"]) or 0.0,
    }
