"""The batches of one epoch, made by threads while the network is trained."""

import os
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from dfd.arrays import Images
from dfd.detector.network import resized
from dfd.params.training import CandidateParams
from dfd.train.feed.augment import augment
from dfd.train.feed.blend import self_blend
from dfd.train.feed.crops import Crops
from dfd.train.feed.degrade import as_video
from dfd.train.feed.sampling import ABSENT, draw_epoch
from dfd.train.feed.store import take
from dfd.train.feed.tone import UNCHANGED, draw_tone

Floats = npt.NDArray[np.float32]
Inputs = tuple[Images, Floats]

_THREADS = os.cpu_count() or 1
_COMPRESSED = 0.3  # share of the units without a pseudo-fake that are compressed again
_BATCHES_AHEAD = 2 * _THREADS


class Feed:
    """The batches of one epoch.

    A batch depends only on the crops, the parameters, the epoch and the number of the batch:
    neither the threads nor an interruption of the run change it. Iterating over a feed makes
    batches ahead in threads.

    Attributes:
        waited: Seconds that the iteration has spent waiting for batches that were not ready.

    Example:
        >>> import numpy as np, pandas as pd
        >>> from pathlib import Path
        >>> from dfd.params.training import load_candidate
        >>> params = load_candidate("mesonet", Path("params.yaml")).model_copy(
        ...     update={"sampling": "balanced", "self_blended": 0.0, "batch_size": 4}
        ... )
        >>> images = np.zeros((6, 128, 128, 3), np.uint8)
        >>> table = pd.DataFrame({"video": list("abcdef"), "label": ["REAL", "FAKE"] * 3})
        >>> crops = Crops(images, np.arange(6), np.zeros((6, 5, 2), np.float32), table)
        >>> feed = Feed(crops, params, epoch=1)
        >>> len(feed)
        2
        >>> (pixels, tones), targets = feed.batch(0)
        >>> pixels.shape, tones.shape, targets.sum(axis=0).tolist()
        ((4, 128, 128, 3), (4, 7), [2.0, 2.0])
    """

    def __init__(self, crops: Crops, params: CandidateParams, epoch: int) -> None:
        """Draw which crops each batch of the epoch holds.

        Args:
            crops: The training crops.
            params: The parameters of the candidate.
            epoch: Number of the epoch; other numbers draw other batches.
        """
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
        with ThreadPoolExecutor(_THREADS, "feed") as pool:
            ahead = range(min(_BATCHES_AHEAD, len(self)))
            pending = deque(pool.submit(self.batch, step) for step in ahead)
            try:
                for step in range(len(self)):
                    asked = time.perf_counter()
                    batch = pending.popleft().result()
                    self.waited += time.perf_counter() - asked
                    if step + _BATCHES_AHEAD < len(self):
                        pending.append(pool.submit(self.batch, step + _BATCHES_AHEAD))
                    yield batch
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def batch(self, step: int) -> tuple[Inputs, Floats]:
        """Return one batch of B crops.

        Args:
            step: Number of the batch, from 0.

        Returns:
            ``((pixels, tones), targets)``: uint8 (B, S, S, 3) RGB of the network's input size S,
            float32 (B, 7) of ``draw_tone``, and one-hot float32 (B, 2) over (REAL, FAKE).
        """
        pixels: list[Images] = []
        tones: list[Floats] = []
        labels: list[int] = []
        drawn = np.concatenate([self._draw.real[step], self._draw.fake[step]])
        drawn = np.unique(drawn[drawn != ABSENT])
        stored = dict(zip(drawn, take(self._crops.images, self._crops.rows[drawn]), strict=True))
        for unit, blended in enumerate(self._draw.blended[step]):
            real, fake = int(self._draw.real[step, unit]), int(self._draw.fake[step, unit])
            rng = np.random.default_rng((*self._key, step, unit))
            crops, crop_labels = self._unit(stored, real, fake, bool(blended), rng)
            tone = UNCHANGED
            if self._params.augment:
                landmarks = self._crops.landmarks[fake if real == ABSENT else real]
                crops = augment(crops, landmarks, rng)
                tone = draw_tone(rng)
            # A blend has lost traces of compression, by which it must not be told from its REAL
            # crop: such a pair is always compressed, alike.
            if blended or (self._params.augment and rng.random() < _COMPRESSED):
                crops = as_video(crops, rng)
            pixels.append(resized(crops, self._params.input_size))
            tones += [tone] * len(crop_labels)
            labels += crop_labels
        return (np.concatenate(pixels), np.stack(tones)), np.eye(2, dtype=np.float32)[labels]

    def _unit(
        self,
        stored: Mapping[int, Images],
        real: int,
        fake: int,
        blended: bool,
        rng: np.random.Generator,
    ) -> tuple[Images, list[int]]:
        """Return the crops of one unit of a batch, uint8 (K, S, S, 3), and their labels."""
        crops, labels = [], []
        for row, label in ((real, 0), (fake, 1)):
            if row != ABSENT:
                crops.append(stored[row])
                labels.append(label)
        if blended:
            return self_blend(crops[0], self._crops.landmarks[real], rng), [0, 1]
        return np.stack(crops), labels
