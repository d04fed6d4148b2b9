"""Which square round a face becomes its crop, and how sharp a crop is."""

import cv2

from dfd.faces.detector import Box, Image


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
