"""Image statistics of crops, and the detector's scores, in one pass over the stored crops.

Reading and decoding the crops takes longer than measuring them, so both are done while a batch is
in memory.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from dfd.arrays import Images, Scores
from dfd.detector.appearance import STATISTICS, measure_images, names
from dfd.faces.reader import iterate_crops

_BATCH = 1024  # crops held in memory at a time


def measure_crops(
    faces: Path,
    crops: pd.DataFrame,
    predict: Callable[[Images], Scores] | None,
) -> pd.DataFrame:
    """Return the crops with their image statistics and, given a detector, their scores.

    Args:
        faces: The output folder of the faces stage.
        crops: Rows of its crops table, one per crop.
        predict: The detector's function from crops, uint8 (N, S, S, 3) RGB, to P(FAKE), float64
            (N,); None to measure the statistics only.

    Returns:
        The rows of ``crops`` with one column more for each of ``STATISTICS`` and, given
        ``predict``, the column ``score`` (uncalibrated P(FAKE), 0..1).

    Raises:
        FacesError: A crop cannot be read.
    """
    statistics = np.empty((len(crops), len(STATISTICS)))
    scores = np.empty(len(crops))
    for rows, images in _batches(faces, crops):
        statistics[rows] = measure_images(images)
        if predict:
            scores[rows] = predict(images)
    table = crops.assign(**dict(zip(names(STATISTICS), statistics.T, strict=True)))
    return table.assign(score=scores) if predict else table


def _batches(faces: Path, crops: pd.DataFrame) -> Iterator[tuple[list[int], Images]]:
    rows: list[int] = []
    images: list[Images] = []
    for row, image in iterate_crops(faces, crops):
        rows.append(row)
        images.append(image)
        if len(rows) == _BATCH:
            yield rows, np.stack(images)
            rows, images = [], []
    if rows:
        yield rows, np.stack(images)
