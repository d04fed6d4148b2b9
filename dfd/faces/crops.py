"""The geometry of a crop: its square around the face, the landmarks in it, and its sharpness."""

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from dfd.arrays import Image
from dfd.faces.face import LANDMARKS, Box

if TYPE_CHECKING:
    import pandas as pd


def square_around(box: Box, margin: float) -> tuple[int, int, int]:
    """Return the square around a face that becomes its crop.

    Args:
        box: x1, y1, x2, y2 of the face in pixels of the frame.
        margin: Share of the box's longer side that is added on each side.

    Returns:
        Left, top and side in whole pixels; the square may reach beyond the frame.

    Example:
        >>> square_around((100, 80, 160, 180), margin=0.1)
        (70, 70, 120)
    """
    x1, y1, x2, y2 = box
    side = max(1, round(max(x2 - x1, y2 - y1) * (1 + 2 * margin)))
    return round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2), side


def sharpness(crop: Image) -> float:
    """Return the sharpness of a crop: the variance of the Laplacian of its grey image.

    Args:
        crop: uint8 (S, S, 3) BGR.

    Returns:
        0 for a plain picture; higher is sharper.
    """
    return float(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())


def crop_landmarks(crops: "pd.DataFrame", margin: float, crop_size: int) -> npt.NDArray[np.float32]:
    """Return the landmarks of faces in pixels of their crops.

    Args:
        crops: N rows of the crops table, with boxes and landmarks in pixels of the frame.
        margin: The ``margin`` with which the crops were made.
        crop_size: Side of the crops in pixels.

    Returns:
        float32 (N, 5, 2): x and y in pixels of the crop, in the order of ``LANDMARKS``.

    Example:
        >>> import pandas as pd
        >>> row = {"x1": 100, "y1": 80, "x2": 160, "y2": 180}
        >>> for name in LANDMARKS:
        ...     row |= {f"{name}_x": 130, f"{name}_y": 130}
        >>> crop_landmarks(pd.DataFrame([row]), margin=0.1, crop_size=128)[0, 0]
        array([64., 64.], dtype=float32)
    """
    points = crops[[f"{name}_{axis}" for name in LANDMARKS for axis in "xy"]].to_numpy(np.float64)
    boxes = crops[["x1", "y1", "x2", "y2"]].to_numpy(np.float64)
    squares = np.array([square_around(tuple(box), margin) for box in boxes]).reshape(-1, 3)
    inside = points.reshape(-1, len(LANDMARKS), 2) - squares[:, None, :2]
    scaled: npt.NDArray[np.float32] = (inside * crop_size / squares[:, None, 2:]).astype(np.float32)
    return scaled
