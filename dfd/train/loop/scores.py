"""What a Keras network says while it is trained."""

from collections.abc import Iterator

import keras
import numpy as np

from dfd.arrays import Images, Scores


def fake_scores(model: keras.Model, images: Images, batch_size: int = 32) -> Scores:
    """Return a model's P(FAKE), float32 (N,), for images of its own input size.

    Args:
        model: A network from uint8 RGB pixels to the probabilities of (REAL, FAKE).
        images: uint8 (N, S, S, 3) RGB; N may be 0.
        batch_size: Images computed at once.
    """
    said = [
        np.asarray(model.predict_on_batch(full))[:n, 1]
        for full, n in full_batches(images, batch_size)
    ]
    return np.concatenate([np.empty(0, np.float32), *said])


def full_batches(images: Images, batch_size: int) -> Iterator[tuple[Images, int]]:
    """Yield images, filled up with black ones to batches of one shape, and how many are theirs.

    Another shape would be compiled for once more.

    Args:
        images: uint8 (N, S, S, 3); N may be 0.
        batch_size: Images in each batch.
    """
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        n = len(batch)
        yield np.concatenate([batch, np.zeros((batch_size - n, *batch.shape[1:]), np.uint8)]), n
