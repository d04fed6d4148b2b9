"""Faces, and the protocol of a face detector: an image goes in, ``Face`` records come out."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dfd.arrays import Image

Box = tuple[float, float, float, float]

# The order of the landmarks everywhere; left and right as the viewer of the picture sees them.
LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


@dataclass(frozen=True)
class Face:
    """A face in an image.

    Attributes:
        box: x1, y1, x2, y2 in pixels; it lies inside the image and has a positive area.
        landmarks: Five (x, y) pairs in pixels, in the order of ``LANDMARKS``.
        score: Confidence of the face detector, 0..1.

    Example:
        >>> points = ((14, 18), (26, 18), (20, 25), (15, 32), (25, 32))
        >>> face = Face(box=(10, 10, 30, 40), landmarks=points, score=0.98)
        >>> face.size, face.area, face.scaled(2, 2).box
        (30, 600, (20, 20, 60, 80))
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
        """Return this face in a resized image.

        Args:
            across: Width of the resized image over the width of this one.
            down: Height of the resized image over the height of this one.
        """
        x1, y1, x2, y2 = self.box
        return Face(
            box=(x1 * across, y1 * down, x2 * across, y2 * down),
            landmarks=tuple((x * across, y * down) for x, y in self.landmarks),
            score=self.score,
        )


class FaceDetector(Protocol):
    """A function that finds faces in an image; several threads may call it at once.

    Example:
        >>> def whole_image(image: Image) -> list[Face]:
        ...     height, width = image.shape[:2]
        ...     return [Face((0, 0, width, height), ((width / 2, height / 2),) * 5, score=1.0)]
        >>> face_detector: FaceDetector = whole_image
    """

    def __call__(self, image: Image) -> list[Face]:
        """Find the faces of an image.

        Args:
            image: uint8 (H, W, 3) BGR.

        Returns:
            The faces in pixels of the image, the highest score first.
        """
        ...


def make_faces(
    boxes: npt.NDArray[np.floating],
    landmarks: npt.NDArray[np.floating],
    scores: npt.NDArray[np.floating],
    image: Image,
) -> list[Face]:
    """Turn the output arrays of a network into faces.

    Args:
        boxes: (N, 4), x1, y1, x2, y2 in pixels. Boxes are clipped to the image; empty ones are
            dropped.
        landmarks: (N, 5, 2), x and y in pixels, in the order of ``LANDMARKS``.
        scores: (N,), 0..1.
        image: The image in which the faces were found, (H, W, 3).

    Returns:
        The faces, the highest score first.
    """
    height, width = image.shape[:2]
    faces = [
        Face(
            box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            landmarks=tuple((float(x), float(y)) for x, y in points),
            score=float(score),
        )
        for box, points, score in zip(
            np.clip(boxes, 0, [width, height, width, height]), landmarks, scores, strict=True
        )
        if box[2] > box[0] and box[3] > box[1]
    ]
    return sorted(faces, key=lambda face: (-face.score, face.box))
