"""Image statistics of crops, and the detector's scores, in one pass over the stored crops.

Reading and decoding the crops takes longer than measuring them, so both are done while a batch is
in memory.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from dfd.faces.reader import iterate_crops

STATISTICS = (
    *("log_sharpness", "contrast", "brightness"),
    *("mean_green_red", "mean_blue_yellow", "spread_green_red", "spread_blue_yellow"),
)
_BATCH = 1024  # crops held in memory at a time

Images = npt.NDArray[np.uint8]


def image_statistics(crop: Images) -> npt.NDArray[np.float64]:
    """Return the statistics of one crop that ``STATISTICS`` names.

    They are the log variance of the Laplacian of the luma (sharpness), the standard deviation
    (contrast) and mean (brightness) of the luma, and the mean and the standard deviation of the two
    colour axes of CIELAB.

    Args:
        crop: uint8 (S, S, 3), RGB.

    Returns:
        float64 (7,), in the order of ``STATISTICS``.

    Example:
        A crop of one shade of grey:

        >>> import numpy as np
        >>> from dfd.evaluate.crop_scores import STATISTICS, image_statistics
        >>> values = image_statistics(np.full((64, 64, 3), 100, np.uint8))
        >>> statistics = dict(zip(STATISTICS, values.tolist()))
        >>> statistics["brightness"], statistics["contrast"], statistics["log_sharpness"]
        (100.0, 0.0, 0.0)
    """
    luma = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB)[..., 1:].reshape(-1, 2).astype(np.float64)
    laplacian = cv2.Laplacian(luma, cv2.CV_64F)
    return np.array(
        [np.log1p(laplacian.var()), luma.std(), luma.mean(), *lab.mean(axis=0), *lab.std(axis=0)]
    )


def measure_crops(
    faces: Path,
    crops: pd.DataFrame,
    predict: Callable[[Images], npt.NDArray[np.float32]] | None,
) -> pd.DataFrame:
    """Return the crops with their image statistics and, given a detector, their scores.

    Args:
        faces: The output folder of the faces stage.
        crops: Rows of its crops table, one per crop.
        predict: The detector's function from crops, uint8 (N, S, S, 3) RGB, to P(FAKE), float32
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
        statistics[rows] = [image_statistics(image) for image in images]
        if predict:
            scores[rows] = predict(images)
    measured = crops.assign(**dict(zip(STATISTICS, statistics.T, strict=True)))
    return measured.assign(score=scores) if predict else measured


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
