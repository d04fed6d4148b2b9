"""Which crops meet in a batch.

A batch that holds a forgery beside its own source, at the same moment and altered alike, leaves
nothing to tell them apart but the forgery itself: not the person, the light or the encoder.
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
    """The crops of one epoch: a row per step, a column per unit of its batch.

    A unit is a REAL crop, a FAKE one, or one of each; a self-blended unit is a REAL crop and the
    pseudo-fake that will be made of it. All steps hold the same number of crops.

    Attributes:
        real: int64 (steps, units), which crop is the unit's REAL one, or ``ABSENT``.
        fake: int64 (steps, units), likewise its FAKE one.
        blended: bool (steps, units), whether a pseudo-fake joins the REAL crop.
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
    """Return the crops of one epoch, as many as there are, rounded up to full batches.

    Each class is gone through in a random order, from the start again where it does not suffice, so
    that no crop is seen twice before every other of its class was seen.

    Args:
        labels: 0 for REAL and 1 for FAKE, (N,). Without FAKE crops ``self_blended`` must be 1.
        sources: As from ``find_sources``, (N,), where ``sampling`` is ``paired``; else None.
        batch_size: Crops per step; even unless ``sampling`` is ``plain``.
        sampling: As in the parameters.
        self_blended: Share, 0..1, of the FAKE crops that are pseudo-fakes.
        rng: Where every draw comes from.
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
    while True:
        yield from rng.permutation(rows)


def find_sources(table: pd.DataFrame) -> Rows:
    """Return for every FAKE crop the crop of its own source nearest in time and place.

    Args:
        table: One row per crop: ``video``, ``label``, ``source`` (the video a fake was made from,
            or a missing value), ``time_s``, and the face's box ``x1``, ``y1``, ``x2``, ``y2``.

    Returns:
        int64 (N,), positions in the table; ``ABSENT`` for REAL crops and where the table has no
        REAL crop of the source.
    """
    found = np.full(len(table), ABSENT, np.int64)
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
        # Seconds and face widths count alike: the right face of the moment beats a nearer moment.
        apart = np.abs(times[rows, None] - times[candidates])
        away = np.linalg.norm(centres[rows, None] - centres[candidates], axis=2)
        found[rows] = candidates[np.argmin(apart + away / sizes[rows, None], axis=1)]
    return found
