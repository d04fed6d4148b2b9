"""One pass over crops: what the detector says of each, and what each looks like."""

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
_AT_ONCE = 1024  # crops held at a time

Images = npt.NDArray[np.uint8]


def image_statistics(crop: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return the figures of ``STATISTICS`` of one crop, float64 (7,).

    Log variance of the Laplacian of the luma, spread and mean of the luma, and mean and spread of
    the two colour axes of CIELAB.

    Args:
        crop: uint8 (S, S, 3), RGB.
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
    """Return the crops with the columns of ``STATISTICS`` and, given a detector, ``score``.

    Args:
        faces: The output of the faces stage.
        crops: Rows of its crops table.
        predict: From uint8 (N, S, S, 3) RGB to P(FAKE), (N,); None where no score is wanted.

    Raises:
        FacesError: As ``iterate_crops``.
    """
    statistics = np.empty((len(crops), len(STATISTICS)))
    scores = np.empty(len(crops))
    for rows, images in _chunks(faces, crops):
        statistics[rows] = [image_statistics(image) for image in images]
        if predict:
            scores[rows] = predict(images)
    seen = crops.assign(**dict(zip(STATISTICS, statistics.T, strict=True)))
    return seen.assign(score=scores) if predict else seen


def _chunks(faces: Path, crops: pd.DataFrame) -> Iterator[tuple[list[int], Images]]:
    rows: list[int] = []
    images: list[Images] = []
    for row, image in iterate_crops(faces, crops):
        rows.append(row)
        images.append(image)
        if len(rows) == _AT_ONCE:
            yield rows, np.stack(images)
            rows, images = [], []
    if rows:
        yield rows, np.stack(images)
