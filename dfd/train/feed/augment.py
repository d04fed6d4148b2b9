"""Random augmentation of training crops on the CPU.

The augmentation is mild, because forgeries show in fine detail: half of the crops keep their
geometry, since every interpolation smooths. ``dfd.train.feed.degrade`` compresses some of them
afterwards; mirroring and colour changes run on the device that trains: ``dfd.train.feed.tone``.
"""

import cv2
import numpy as np

from dfd.compress import Pixels
from dfd.train.feed.masks import Points, face_frame, filled, to_crop

# Left, top, right and bottom in the face frame: left eye, right eye, both eyes, nose, mouth.
_PARTS = np.array(
    [
        (-0.85, -0.3, -0.15, 0.3),
        (0.15, -0.3, 0.85, 0.3),
        (-0.85, -0.3, 0.85, 0.3),
        (-0.35, 0.15, 0.35, 0.8),
        (-0.6, 0.9, 0.6, 1.4),
    ]
)


def augment(crops: Pixels, landmarks: Points, rng: np.random.Generator) -> Pixels:
    """Return augmented copies of crops, all of them changed in the same way.

    In this order: with probability 1/2 a small rotation, shift and scale; with probability 1/8 a
    part of the face or a random block painted over.

    Args:
        crops: uint8 (K, S, S, 3) RGB, such as a FAKE crop and its REAL counterpart; not modified.
        landmarks: float (5, 2), x and y in pixels of the first crop, in the order of
            ``dfd.faces.face.LANDMARKS``.
        rng: Source of all randomness; the same state gives the same result.

    Returns:
        uint8 (K, S, S, 3) RGB.

    Example:
        >>> import numpy as np
        >>> crop = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        >>> landmarks = np.array([(23, 27), (40, 27), (32, 36), (26, 46), (38, 46)])
        >>> first, second = augment(np.stack([crop, crop]), landmarks, np.random.default_rng(2))
        >>> bool((first == second).all()), bool((first == crop).all())
        (True, False)
    """
    side = crops.shape[1]
    altered = np.array(crops, order="C")
    frame = face_frame(side, landmarks)
    if rng.random() < 0.5:
        move = _movement(side, rng)
        altered = np.stack([_moved(crop, move) for crop in altered])
        frame = move[:, :2] @ frame + np.pad(move[:, 2:], ((0, 0), (2, 0)))
    if rng.random() < 0.125:
        hidden = filled(side, _part(side, frame, rng)) > 127
        altered[:, hidden] = rng.integers(0, 256, size=3)
    return altered


def _movement(side: int, rng: np.random.Generator) -> Points:
    """Draw a movement, a (2, 3) matrix: up to 8° of rotation, 7 % of scale, 5 % of shift."""
    centre = (side - 1) / 2
    turn = cv2.getRotationMatrix2D((centre, centre), rng.uniform(-8, 8), rng.uniform(0.93, 1.07))
    matrix = np.asarray(turn, np.float64)
    matrix[:, 2] += rng.uniform(-0.05, 0.05, size=2) * side
    return matrix


def _moved(crop: Pixels, matrix: Points) -> Pixels:
    side = len(crop)
    moved = cv2.warpAffine(
        crop, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(moved, np.uint8)


def _part(side: int, frame: Points, rng: np.random.Generator) -> Points:
    """Draw the area to hide, as corners (4, 2) in pixels: a part of the face or a random block."""
    part = int(rng.integers(len(_PARTS) + 2))
    if part >= len(_PARTS):
        width, height = rng.uniform(0.1, 0.35, size=2)
        left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
        return _corners(left, top, left + width, top + height) * side
    return to_crop(_corners(*_PARTS[part] * rng.uniform(0.9, 1.1, size=4)), frame)


def _corners(left: float, top: float, right: float, bottom: float) -> Points:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
