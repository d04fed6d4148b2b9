"""What a face detector is: an image in, ``Face`` records out, whichever network finds them."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]

# In this order everywhere; left and right as the viewer of the picture sees them.
LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


@dataclass(frozen=True)
class Face:
    """One face in one image.

    Attributes:
        box: x1, y1, x2, y2 in pixels of the source image, inside it, of positive area.
        landmarks: Five (x, y) pairs in source pixels, in the order of ``LANDMARKS``.
        score: Confidence, 0..1.
    """

    box: Box
    landmarks: tuple[tuple[float, float], ...]
    score: float

    @property
    def size(self) -> float:
        """Longer side of the box in pixels."""
        x1, y1, x2, y2 = self.box
        return max(x2 - x1, y2 - y1)

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        x1, y1, x2, y2 = self.box
        return (x2 - x1) * (y2 - y1)


class FaceDetector(Protocol):
    """Finds faces; may be called from several threads at once."""

    def __call__(self, image: Image) -> list[Face]:
        """Return the faces of a uint8 (H, W, 3) BGR image, best score first."""
        ...


def shrink(image: Image, longest: int) -> tuple[Image, float]:
    """Return the image with its longer side at most ``longest`` pixels, and the scale applied."""
    height, width = image.shape[:2]
    scale = min(1.0, longest / max(height, width))
    if scale == 1.0:
        return image, scale
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def source_faces(
    boxes: npt.NDArray[np.floating],
    landmarks: npt.NDArray[np.floating],
    scores: npt.NDArray[np.floating],
    scale: float,
    image: Image,
) -> list[Face]:
    """Turn detections in a shrunk image into faces of the source image, best score first.

    Args:
        boxes: (N, 4) x1, y1, x2, y2 in shrunk pixels; clipped to the image, dropped when empty.
        landmarks: (N, 5, 2) in shrunk pixels.
        scores: (N,) 0..1.
        scale: Shrunk over source pixels.
        image: The source image.
    """
    height, width = image.shape[:2]
    boxes = np.clip(boxes / scale, 0, [width, height, width, height])
    points = landmarks / scale
    faces = [
        Face(
            box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            landmarks=tuple((float(x), float(y)) for x, y in five),
            score=float(score),
        )
        for box, five, score in zip(boxes, points, scores, strict=True)
        if box[2] > box[0] and box[3] > box[1]
    ]
    return sorted(faces, key=lambda face: (-face.score, face.box))
