"""Which square round a face becomes its crop, where its landmarks lie there, how sharp it is."""

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from dfd.arrays import Image
from dfd.faces.face import LANDMARKS, Box

if TYPE_CHECKING:
    import pandas as pd


def square_around(box: Box, margin: float) -> tuple[int, int, int]:
    """Return left, top and side, in whole pixels, of the square round a face.

    Args:
        box: x1, y1, x2, y2 in pixels.
        margin: Share of the box's longer side added on each side.
    """
    x1, y1, x2, y2 = box
    side = max(1, round(max(x2 - x1, y2 - y1) * (1 + 2 * margin)))
    return round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2), side


def sharpness(crop: Image) -> float:
    """Return the variance of the Laplacian of a BGR crop's grey image; higher is sharper."""
    return float(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())


def crop_landmarks(crops: "pd.DataFrame", margin: float, crop_size: int) -> npt.NDArray[np.float32]:
    """Return where the landmarks lie in their crops.

    Args:
        crops: Rows of the crops table: boxes and landmarks in pixels of the frame.
        margin: As the crops were made with.
        crop_size: Side of the crops in pixels.

    Returns:
        float32 (N, 5, 2): x and y in pixels of the crop, in the order of ``LANDMARKS``.
    """
    points = crops[[f"{name}_{axis}" for name in LANDMARKS for axis in "xy"]].to_numpy(np.float64)
    boxes = crops[["x1", "y1", "x2", "y2"]].to_numpy(np.float64)
    squares = np.array([square_around(tuple(box), margin) for box in boxes]).reshape(-1, 3)
    inside = points.reshape(-1, len(LANDMARKS), 2) - squares[:, None, :2]
    scaled: npt.NDArray[np.float32] = (inside * crop_size / squares[:, None, 2:]).astype(np.float32)
    return scaled
