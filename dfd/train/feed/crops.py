"""The crops of one part of the split, with their labels and landmarks."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from dfd.arrays import Images
from dfd.detector.appearance import STATISTICS, measure_images, names
from dfd.detector.network import resized
from dfd.errors import TrainError
from dfd.faces.crops import crop_landmarks
from dfd.labels import LABELS
from dfd.train.feed.sampling import find_sources
from dfd.train.feed.store import take

Part = Literal["train", "validation", "test"]

_CHUNK = 1024


@dataclass(frozen=True)
class Crops:
    """The crops of one part of the split.

    Attributes:
        images: uint8 (M, S, S, 3) RGB: the crops of all parts, in memory or mapped to a file.
        rows: int64 (N,), positions in ``images`` of the crops of this part.
        landmarks: float32 (N, 5, 2), x and y of the five landmarks in pixels of the crop.
        table: N rows with the columns ``video``, ``track``, ``label`` (``REAL`` or ``FAKE``) and
            ``group``; paired sampling also needs ``source``, ``time_s``, ``x1``, ``y1``, ``x2`` and
            ``y2``.

    Example:
        Two crops of the training part, out of three stored ones:

        >>> import numpy as np, pandas as pd
        >>> images = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones(
        ...     (1, 8, 8, 3), np.uint8
        ... )
        >>> table = pd.DataFrame({"video": ["a", "b"], "label": ["REAL", "FAKE"]})
        >>> crops = Crops(images, np.array([0, 2]), np.zeros((2, 5, 2), np.float32), table)
        >>> len(crops), crops.labels.tolist()
        (2, [0, 1])
        >>> [chunk[:, 0, 0, 0].tolist() for chunk in crops.chunks(4)]
        [[0, 2]]
    """

    images: Images
    rows: npt.NDArray[np.int64]
    landmarks: npt.NDArray[np.float32]
    table: pd.DataFrame

    def __len__(self) -> int:
        """Return N, the number of crops of this part."""
        return len(self.rows)

    @cached_property
    def labels(self) -> npt.NDArray[np.int64]:
        """0 for REAL and 1 for FAKE, int64 (N,)."""
        return (self.table["label"] == "FAKE").to_numpy().astype(np.int64)

    @cached_property
    def sources(self) -> npt.NDArray[np.int64]:
        """For every crop the nearest crop of its source video, int64 (N,): see ``find_sources``."""
        return find_sources(self.table)

    def chunks(self, size: int) -> Iterator[Images]:
        """Yield all crops in order, scaled to a side of ``size`` pixels, up to 1024 at a time."""
        for start in range(0, len(self), _CHUNK):
            yield resized(take(self.images, self.rows[start : start + _CHUNK]), size)

    def sample(self, count: int) -> Images:
        """Return up to ``count`` crops, evenly spread over the part, in their stored size."""
        chosen = np.linspace(0, len(self) - 1, min(count, len(self))).astype(np.int64)
        return take(self.images, self.rows[chosen])

    @cached_property
    def sha256(self) -> str:
        """Hash over the rows of the table and the pixels; equal for equal crops."""
        digest = hashlib.sha256(self.table.to_csv(index=False).encode())
        for chunk in self.chunks(self.images.shape[1]):
            digest.update(np.ascontiguousarray(chunk).data)
        return digest.hexdigest()

    def check(self, part: str, labels: tuple[str, ...] = LABELS) -> None:
        """Raise unless this part has crops of all the given classes.

        Args:
            part: ``train`` or ``validation``, for the error message.
            labels: The classes that must be present.

        Raises:
            TrainError: There are no crops, or a class is missing.
        """
        if len(self) == 0:
            raise TrainError(f"{part} part: no crops; see the reasons in the faces manifest")
        present = set(self.table["label"])
        for label in labels:
            if label not in present:
                raise TrainError(
                    f"{part} part: no {label} crops; add {label} videos or change split.fractions"
                )


def crops_of_part(images: Images, table: pd.DataFrame, part: Part, margin: float) -> Crops:
    """Return the crops of one part of the split.

    Args:
        images: uint8 (M, S, S, 3) RGB, the crops of all parts, as ``open_store`` returns them.
        table: The crops table, M rows in the order of ``images``, with the columns that
            ``assign_parts`` adds.
        part: ``train``, ``validation`` or ``test``.
        margin: The margin with which the faces stage made the crops; landmarks are computed from
            it.
    """
    rows = np.flatnonzero(table["part"] == part)
    chosen = table.iloc[rows].reset_index(drop=True)
    return Crops(images, rows, crop_landmarks(chosen, margin, images.shape[1]), chosen)


def statistics_of(crops: Crops) -> pd.DataFrame:
    """Return the image statistics of the crops of a part, as ``fit_appearance`` takes them.

    Args:
        crops: The crops.

    Returns:
        One row per crop, with the columns ``video``, ``group`` and those of ``STATISTICS``.
    """
    values = np.concatenate(
        [measure_images(chunk) for chunk in crops.chunks(crops.images.shape[1])]
    )
    columns = dict(zip(names(STATISTICS), values.T, strict=True))
    return crops.table[["video", "group"]].assign(**columns)
