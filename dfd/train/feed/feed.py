"""Crops with their labels, and the batches of one epoch, made ahead while the network trains."""

import hashlib
import os
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from dfd.compress import jpeg
from dfd.detector.network import resized
from dfd.errors import TrainError
from dfd.faces.crops import crop_landmarks
from dfd.labels import LABELS
from dfd.params.training import CandidateParams
from dfd.train.feed.augment import augment
from dfd.train.feed.blend import self_blend
from dfd.train.feed.sampling import ABSENT, draw_epoch, find_sources
from dfd.train.feed.store import take
from dfd.train.feed.tone import UNCHANGED, draw_look

Images = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Inputs = tuple[Images, Floats]

_MAKERS = os.cpu_count() or 1
_AHEAD = 2 * _MAKERS
_CHUNK = 1024


Part = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Crops:
    """The crops of one part of the split.

    Attributes:
        images: uint8 (M, S, S, 3) RGB: all crops there are, in memory or mapped to a file.
        rows: int64 (N,), which of them these are.
        landmarks: float32 (N, 5, 2), x and y in pixels of the crop.
        table: N rows: ``video``, ``track``, ``label`` (``REAL`` or ``FAKE``), ``group``, and for
            pairs ``source``, ``time_s``, ``x1``, ``y1``, ``x2``, ``y2``.
    """

    images: Images
    rows: npt.NDArray[np.int64]
    landmarks: Floats
    table: pd.DataFrame

    def __len__(self) -> int:
        """Return N."""
        return len(self.rows)

    @cached_property
    def labels(self) -> npt.NDArray[np.int64]:
        """0 for REAL and 1 for FAKE, int64 (N,)."""
        return (self.table["label"] == "FAKE").to_numpy().astype(np.int64)

    @cached_property
    def sources(self) -> npt.NDArray[np.int64]:
        """For every crop the one of its own source nearest to it, as from ``find_sources``."""
        return find_sources(self.table)

    def chunks(self, size: int) -> Iterator[Images]:
        """Yield all crops in order, scaled to ``size`` pixels, some hundreds at a time."""
        for start in range(0, len(self), _CHUNK):
            yield resized(take(self.images, self.rows[start : start + _CHUNK]), size)

    def some(self, count: int) -> Images:
        """Return up to ``count`` of the crops, evenly spread, as they are stored."""
        chosen = np.linspace(0, len(self) - 1, min(count, len(self))).astype(np.int64)
        return take(self.images, self.rows[chosen])

    @cached_property
    def sha256(self) -> str:
        """The identity of these crops: a hash over the table's rows and the pixels."""
        digest = hashlib.sha256(self.table.to_csv(index=False).encode())
        for chunk in self.chunks(self.images.shape[1]):
            digest.update(np.ascontiguousarray(chunk).data)
        return digest.hexdigest()

    def check(self, part: str, labels: tuple[str, ...] = LABELS) -> None:
        """Raise unless there are crops of these classes.

        Args:
            part: ``train`` or ``validation``, for the message.
            labels: The classes needed.

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


class Feed:
    """The batches of an epoch.

    A batch depends on the seed, the epoch and its number alone, so that neither threads nor a run
    that was broken off change it. Iterating makes batches ahead in threads; ``waited`` is for how
    many seconds the reader then found none ready.
    """

    def __init__(self, crops: Crops, params: CandidateParams, epoch: int) -> None:
        self._crops, self._params = crops, params
        self._key = (params.seed, epoch)
        self._draw = draw_epoch(
            crops.labels,
            crops.sources if params.sampling == "paired" else None,
            params.batch_size,
            params.sampling,
            params.self_blended,
            np.random.default_rng(self._key),
        )
        self.waited = 0.0

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self._draw.real)

    def __iter__(self) -> Iterator[tuple[Inputs, Floats]]:
        """Yield every batch in order, as ``batch`` returns it."""
        with ThreadPoolExecutor(_MAKERS, "feed") as makers:
            ready = deque(makers.submit(self.batch, step) for step in range(min(_AHEAD, len(self))))
            try:
                for step in range(len(self)):
                    asked = time.perf_counter()
                    batch = ready.popleft().result()
                    self.waited += time.perf_counter() - asked
                    if step + _AHEAD < len(self):
                        ready.append(makers.submit(self.batch, step + _AHEAD))
                    yield batch
            finally:
                makers.shutdown(wait=False, cancel_futures=True)

    def batch(self, step: int) -> tuple[Inputs, Floats]:
        """Return one batch of B crops.

        Args:
            step: Its number, from 0.

        Returns:
            ``((pixels, looks), targets)``: uint8 (B, S, S, 3) RGB, float32 (B, 7) as from
            ``draw_look``, and one-hot float32 (B, 2) over (REAL, FAKE).
        """
        pixels: list[Images] = []
        looks: list[Floats] = []
        labels: list[int] = []
        drawn = np.concatenate([self._draw.real[step], self._draw.fake[step]])
        drawn = np.unique(drawn[drawn != ABSENT])
        stored = dict(zip(drawn, take(self._crops.images, self._crops.rows[drawn]), strict=True))
        for number, blended in enumerate(self._draw.blended[step]):
            real, fake = int(self._draw.real[step, number]), int(self._draw.fake[step, number])
            rng = np.random.default_rng((*self._key, step, number))
            crops, kinds = self._unit(stored, real, fake, bool(blended), rng)
            look = UNCHANGED
            if self._params.augment:
                landmarks = self._crops.landmarks[fake if real == ABSENT else real]
                crops = augment(crops, landmarks, rng)
                look = draw_look(rng)
            pixels.append(resized(crops, self._params.input_size))
            looks += [look] * len(kinds)
            labels += kinds
        return (np.concatenate(pixels), np.stack(looks)), np.eye(2, dtype=np.float32)[labels]

    def _unit(
        self,
        stored: Mapping[int, Images],
        real: int,
        fake: int,
        blended: bool,
        rng: np.random.Generator,
    ) -> tuple[Images, list[int]]:
        crops, labels = [], []
        for row, label in ((real, 0), (fake, 1)):
            if row != ABSENT:
                crops.append(stored[row])
                labels.append(label)
        if blended:
            pair = np.stack([crops[0], self_blend(crops[0], self._crops.landmarks[real], rng)])
            # Both are encoded anew, alike: the stored file's traces are gone where it was blended.
            return jpeg(pair, int(rng.integers(85, 98))), [0, 1]
        return np.stack(crops), labels


def crops_of_part(
    images: npt.NDArray[np.uint8], table: pd.DataFrame, part: Part, margin: float
) -> Crops:
    """Return the crops of one part.

    Args:
        images: All crops, as from ``open_store``.
        table: The crops table in the same order, with the columns that ``assign_parts`` adds.
        part: Which part.
        margin: As the crops were made with.
    """
    rows = np.flatnonzero(table["part"] == part)
    chosen = table.iloc[rows].reset_index(drop=True)
    return Crops(images, rows, crop_landmarks(chosen, margin, images.shape[1]), chosen)
