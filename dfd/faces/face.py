"""What a face detector is: an image in, ``Face`` records out, whichever network finds them."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dfd.arrays import Image

Box = tuple[float, float, float, float]

# In this order everywhere; left and right as the viewer of the picture sees them.
LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


@dataclass(frozen=True)
class Face:
    """One face in one image.

    Attributes:
        box: x1, y1, x2, y2 in pixels, inside the image, of positive area.
        landmarks: Five (x, y) pairs in pixels, in the order of ``LANDMARKS``.
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

    def scaled(self, across: float, down: float) -> "Face":
        """Return the same face in an image so many times as wide and as high."""
        x1, y1, x2, y2 = self.box
        return Face(
            box=(x1 * across, y1 * down, x2 * across, y2 * down),
            landmarks=tuple((x * across, y * down) for x, y in self.landmarks),
            score=self.score,
        )


class FaceDetector(Protocol):
    """Finds faces; may be called from several threads at once."""

    def __call__(self, image: Image) -> list[Face]:
        """Return the faces of a uint8 (H, W, 3) BGR image in its pixels, best score first."""
        ...


def make_faces(
    boxes: npt.NDArray[np.floating],
    landmarks: npt.NDArray[np.floating],
    scores: npt.NDArray[np.floating],
    image: Image,
) -> list[Face]:
    """Turn arrays of detections into faces, best score first.

    Args:
        boxes: (N, 4) x1, y1, x2, y2 in pixels; clipped to the image, dropped when empty.
        landmarks: (N, 5, 2) in pixels.
        scores: (N,) 0..1.
        image: Where they were found.
    """
    height, width = image.shape[:2]
    faces = [
        Face(
            box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            landmarks=tuple((float(x), float(y)) for x, y in five),
            score=float(score),
        )
        for box, five, score in zip(
            np.clip(boxes, 0, [width, height, width, height]), landmarks, scores, strict=True
        )
        if box[2] > box[0] and box[3] > box[1]
    ]
    return sorted(faces, key=lambda face: (-face.score, face.box))
