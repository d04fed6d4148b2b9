"""Which crops form a batch.

When a batch holds a FAKE crop together with the crop of its source video at the same moment, both
augmented alike, the two have the same person, light and encoder: only the forgery tells them apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Sampling = Literal["plain", "balanced", "paired"]
Rows = npt.NDArray[np.int64]

ABSENT = -1


@dataclass(frozen=True)
class Draw:
    """The crops of one epoch: a row per step, a column per unit of the batch.

    A unit is one REAL crop, one FAKE crop, or one of each. A self-blended unit is a REAL crop and
    the pseudo-fake that is made from it. All steps have the same number of crops.

    Attributes:
        real: int64 (steps, units), number of the REAL crop of each unit, or ``ABSENT``.
        fake: int64 (steps, units), number of the FAKE crop of each unit, or ``ABSENT``.
        blended: bool (steps, units), whether the unit has a pseudo-fake.
    """

    real: Rows
    fake: Rows
    blended: npt.NDArray[np.bool_]


def draw_epoch(
    labels: Rows,
    sources: Rows | None,
    batch_size: int,
    sampling: Sampling,
    self_blended: float,
    rng: np.random.Generator,
) -> Draw:
    """Draw the crops of one epoch: as many as the part has, rounded up to full batches.

    In balanced and paired batches each class is drawn in a random order without repetition; a new
    random order begins when all crops of the class have been drawn.

    Args:
        labels: 0 for REAL and 1 for FAKE, int64 (N,). There must be REAL crops, and FAKE crops
            unless ``self_blended`` is 1.
        sources: For every crop the nearest crop of its source, int64 (N,), as ``find_sources``
            returns it; None for sampling other than ``paired``.
        batch_size: Crops per step; even unless ``sampling`` is ``plain``.
        sampling: ``plain`` (crops as they come), ``balanced`` (as many REAL as FAKE crops) or
            ``paired`` (each FAKE crop with the nearest crop of its source).
        self_blended: Share of the FAKE crops, 0..1, that are pseudo-fakes.
        rng: Source of all randomness.

    Example:
        >>> import numpy as np
        >>> labels = np.array([0, 0, 1, 1, 1, 1])
        >>> draw = draw_epoch(labels, None, 4, "balanced", 0.0, np.random.default_rng(0))
        >>> draw.real.shape  # two batches of two REAL and two FAKE crops
        (2, 2)
        >>> sorted(draw.fake.ravel().tolist())
        [2, 3, 4, 5]
    """
    steps = -(-len(labels) // batch_size)
    if sampling == "plain":
        rows = np.resize(rng.permutation(len(labels)), (steps, batch_size))
        fake = labels[rows] == 1
        return Draw(
            real=np.where(fake, ABSENT, rows),
            fake=np.where(fake, rows, ABSENT),
            blended=np.zeros_like(fake),
        )
    units = steps * batch_size // 2
    blended = rng.permutation(np.arange(units) < round(self_blended * units))
    reals, fakes = (_endless(np.flatnonzero(labels == label), rng) for label in (0, 1))
    real, fake = np.empty(units, np.int64), np.full(units, ABSENT, np.int64)
    for unit in range(units):
        if not blended[unit]:
            fake[unit] = next(fakes)
        source = ABSENT if sources is None or blended[unit] else sources[fake[unit]]
        real[unit] = next(reals) if source == ABSENT else source
    shape = (steps, batch_size // 2)
    return Draw(real.reshape(shape), fake.reshape(shape), blended.reshape(shape))


def _endless(rows: Rows, rng: np.random.Generator) -> Iterator[int]:
    """Yield all rows in a random order, then in another one, and so on."""
    while True:
        yield from rng.permutation(rows)


def find_sources(table: pd.DataFrame) -> Rows:
    """Return for every FAKE crop the crop of its source video that is nearest in time and place.

    Args:
        table: One row per crop: ``video``, ``label``, ``source`` (the video a fake was made from,
            or a missing value), ``time_s`` in seconds, and the box of the face in pixels, ``x1``,
            ``y1``, ``x2``, ``y2``.

    Returns:
        int64 (N,), positions in the table; ``ABSENT`` for REAL crops and where the table has no
        REAL crop of the source.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame(
        ...     {
        ...         "video": ["real", "real", "fake"],
        ...         "label": ["REAL", "REAL", "FAKE"],
        ...         "source": [None, None, "real"],
        ...         "time_s": [0.0, 2.0, 1.9],
        ...     }
        ... ).assign(x1=0, y1=0, x2=50, y2=50)
        >>> find_sources(table).tolist()
        [-1, -1, 1]
    """
    nearest = np.full(len(table), ABSENT, np.int64)
    corners = table[["x1", "y1", "x2", "y2"]].to_numpy(np.float64)
    centres = (corners[:, :2] + corners[:, 2:]) / 2
    sizes = np.maximum((corners[:, 2:] - corners[:, :2]).max(axis=1), 1)
    times = table["time_s"].to_numpy(np.float64)
    is_real = (table["label"] == "REAL").to_numpy()
    rows_of = table.groupby("video", sort=False).indices
    source_of = table.groupby("video", sort=False)["source"].first()
    for video, source in source_of.items():
        rows = rows_of[video]
        if is_real[rows[0]] or not isinstance(source, str) or source not in rows_of:
            continue
        candidates = rows_of[source]
        if not is_real[candidates[0]]:
            continue
        # One second counts like one face width: where a frame has several people, the right face
        # matters more than the exact moment.
        seconds = np.abs(times[rows, None] - times[candidates])
        pixels = np.linalg.norm(centres[rows, None] - centres[candidates], axis=2)
        nearest[rows] = candidates[np.argmin(seconds + pixels / sizes[rows, None], axis=1)]
    return nearest
