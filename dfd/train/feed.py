"""Crops with their labels, and the batches of one epoch made from them."""

import hashlib
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd

from dfd.errors import TrainError
from dfd.labels import LABELS
from dfd.train.augment import augment


@dataclass(frozen=True)
class Crops:
    """The crops of one part of the split.

    Attributes:
        images: uint8 (N, S, S, 3) RGB.
        table: N rows in the same order with at least ``video``, ``track``, ``label`` (``REAL`` or
            ``FAKE``) and ``group``.
    """

    images: npt.NDArray[np.uint8]
    table: pd.DataFrame

    def labels(self) -> npt.NDArray[np.int64]:
        """Return 0 for REAL and 1 for FAKE, int64 (N,)."""
        return (self.table["label"] == "FAKE").to_numpy().astype(np.int64)

    def sha256(self) -> str:
        """Return the identity of these crops: a hash over the table's rows and the pixels."""
        digest = hashlib.sha256(self.table.to_csv(index=False).encode())
        digest.update(np.ascontiguousarray(self.images).data)
        return digest.hexdigest()

    def check(self, part: str) -> None:
        """Raise unless there are crops of both classes.

        Args:
            part: ``train`` or ``validation``, for the message.

        Raises:
            TrainError: There are no crops, a class is missing, or rows and images differ.
        """
        if len(self.images) != len(self.table):
            raise TrainError(
                f"{part} part: {len(self.images)} images but {len(self.table)} rows; "
                "run the faces stage again"
            )
        if len(self.images) == 0:
            raise TrainError(f"{part} part: no crops; see the reasons in the faces manifest")
        present = set(self.table["label"])
        for label in LABELS:
            if label not in present:
                raise TrainError(
                    f"{part} part: no {label} crops; add {label} videos or change split.fractions"
                )


def balanced_weights(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return a weight per item that gives both classes the same sum: N / (2 · N_class).

    Args:
        labels: 0 and 1, int64 (N,), both present.
    """
    counts = np.bincount(labels, minlength=2)
    weights: npt.NDArray[np.float32] = (len(labels) / (2 * counts))[labels].astype(np.float32)
    return weights


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """One epoch of training batches, in an order and with alterations drawn from a seed.

    A batch depends on its number alone, so neither threads nor prefetching change it. All batches
    are full, since an odd last one would be compiled for and normalised apart: the last is filled
    up from the start of the epoch's order.

    Yields ``(pixels, targets, weights)``: uint8 (B, S, S, 3) RGB, one-hot float32 (B, 2) over
    (REAL, FAKE), and float32 (B,) that balances the classes.
    """

    def __init__(
        self,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.int64],
        batch_size: int,
        seed: int,
        epoch: int,
        alter: bool,
    ) -> None:
        super().__init__()
        self._images = images
        self._targets = np.eye(2, dtype=np.float32)[labels]
        self._weights = balanced_weights(labels)
        self._batch_size = batch_size
        self._key = (seed, epoch)
        self._alter = alter
        order = np.random.default_rng(self._key).permutation(len(images))
        steps = -(-len(images) // batch_size)
        self._order = np.resize(order, (steps, batch_size))

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, step: int) -> tuple[Any, Any, Any]:
        chosen = self._order[step]
        pixels = self._images[chosen]
        if self._alter:
            for slot in range(self._batch_size):
                rng = np.random.default_rng((*self._key, step, slot))
                pixels[slot] = augment(pixels[slot], rng)
        return pixels, self._targets[chosen], self._weights[chosen]
