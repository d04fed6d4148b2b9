"""Square crops of faces, and how sharp they are."""

import cv2
import numpy as np
from cv2.typing import MatLike

from dfd.faces.detector import Box, Image


def square_crop(image: Image, box: Box, margin: float, size: int) -> Image:
    """Cut a square round a face and resize it; the aspect ratio is kept.

    Args:
        image: uint8 (H, W, 3), any colour order.
        box: x1, y1, x2, y2 in pixels, overlapping the image.
        margin: Share of the box's longer side added on each side.
        size: Side of the result in pixels.

    Returns:
        uint8 (size, size, 3) centred on the box; the image's border pixels are repeated where the
        square leaves it.
    """
    height, width = image.shape[:2]
    x1, y1, x2, y2 = box
    side = max(1, round(max(x2 - x1, y2 - y1) * (1 + 2 * margin)))
    left, top = round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2)
    right, bottom = left + side, top + side
    square: MatLike = image[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    outside = (max(0, -top), max(0, bottom - height), max(0, -left), max(0, right - width))
    if any(outside):
        square = cv2.copyMakeBorder(square, *outside, cv2.BORDER_REPLICATE)
    how = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (size, size), interpolation=how), np.uint8)


def sharpness(crop: Image) -> float:
    """Return the variance of the Laplacian of a BGR crop's grey image; higher is sharper."""
    return float(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())
