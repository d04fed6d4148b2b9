"""Soft masks of a face or of part of it, drawn at random from its five landmarks alone.

Shapes are polygons in a *face frame*: origin between the eyes, x towards the right eye, y towards
the mouth, the distance between the eyes as the unit. An affine map fitted to the landmarks takes
them to the crop. Variety of shape, elastic deformation and soft edges of random width follow
Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022
(arXiv:2204.08376), who start from 81 landmarks instead.
"""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Mask = npt.NDArray[np.float32]

# Mean landmarks of frontal faces in the face frame, in the order of dfd.faces.detector.LANDMARKS.
_FACE = np.array([(-0.5, 0), (0.5, 0), (0, 0.6), (-0.4, 1.13), (0.4, 1.13)])
# Where the face frame lies in an average crop, whose sides are 1: for want of usable landmarks.
_AVERAGE = np.array([(0.27, 0, 0.5), (0, 0.27, 0.415)])
_ANGLES = np.linspace(0, 2 * np.pi, 48, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_SUBPIXEL_BITS = 4


def face_mask(side: int, landmarks: Points, rng: np.random.Generator) -> Mask:
    """Draw a soft mask of the inner face or of part of it.

    Args:
        side: Width and height of the crop in pixels.
        landmarks: float (5, 2), x and y in pixels of the crop, in the order of
            ``dfd.faces.detector.LANDMARKS``; an average place is taken for unusable ones.
        rng: Where every draw comes from.

    Returns:
        float32 (side, side), 0 outside to 1 inside.
    """
    shapes: tuple[Callable[[np.random.Generator], Points], ...] = (
        _face,
        _face_below_brows,
        _landmark_hull,
        _lower_face,
        _eye_band,
        _half_face,
        _ellipse,
        _polygon,
    )
    shape = shapes[rng.choice(len(shapes), p=(0.24, 0.16, 0.12, 0.12, 0.1, 0.06, 0.1, 0.1))](rng)
    centre = shape.mean(axis=0)
    shape = centre + (shape - centre) * rng.uniform(0.85, 1.08)  # eroded, or slightly dilated
    outline = to_crop(_deformed(shape, rng), face_frame(side, landmarks))
    return softened(filled(side, outline), side * rng.uniform(0.01, 0.12))


def face_frame(side: int, landmarks: Points) -> Points:
    """Fit the affine map from the face frame to a crop by least squares.

    Args:
        side: Width and height of the crop in pixels.
        landmarks: float (5, 2) in pixels of the crop; may be degenerate, outside or not finite.

    Returns:
        float64 (2, 3). Where the landmarks span no plausible face in the crop, as in a full
        profile, the average place of a face in a crop.
    """
    average = _AVERAGE * side
    if not np.isfinite(landmarks).all():
        return average
    fitted = np.linalg.lstsq(np.column_stack([_FACE, np.ones(5)]), landmarks, rcond=None)[0].T
    spans = np.linalg.svd(fitted[:, :2], compute_uv=False)
    centre = to_crop(np.array([[0, 0.6]]), fitted)
    plausible = spans[1] >= 0.08 * side and spans[0] <= 0.7 * side
    inside = (centre > 0).all() and (centre < side).all()
    return fitted if plausible and inside else average


def to_crop(points: Points, frame: Points) -> Points:
    """Take points (N, 2) of the face frame to pixels of the crop by its (2, 3) map."""
    mapped: Points = points @ frame[:, :2].T + frame[:, 2]
    return mapped


def filled(side: int, outline: Points) -> npt.NDArray[np.uint8]:
    """Fill a polygon (N, 2) in pixels, edges anti-aliased: uint8 (side, side), 0 to 255."""
    mask = np.zeros((side, side), np.uint8)
    corners = np.rint(outline * 2**_SUBPIXEL_BITS).astype(np.int32)
    cv2.fillPoly(mask, [corners], (255,), cv2.LINE_AA, _SUBPIXEL_BITS)
    return mask


def softened(mask: npt.NDArray[np.uint8], width: float) -> Mask:
    """Blur a mask's edge over about so many pixels: uint8 to float32, 0 to 1."""
    soft = mask.astype(np.float32) / 255
    box = 2 * round(width / 2) + 1
    for _ in range(2):  # two boxes come near a Gaussian at a cost that its width does not change
        soft = np.asarray(cv2.blur(soft, (box, box)), np.float32)
    return np.clip(soft, 0, 1)


def _face(rng: np.random.Generator) -> Points:
    """From the forehead to the chin: an egg, narrower below."""
    top, width = rng.uniform(0.45, 0.85), rng.uniform(0.9, 1.1)
    x, y = _CIRCLE.T
    half_width = width * np.where(y > 0, 1 - 0.22 * y**2, 1)
    height = np.where(y > 0, 1.4, 0.45 + top)
    return np.stack([x * half_width, 0.45 + y * height], axis=1)


def _face_below_brows(rng: np.random.Generator) -> Points:
    return _clipped(_face(rng), (-2, -rng.uniform(0.2, 0.4)), (2, 2))


def _lower_face(rng: np.random.Generator) -> Points:
    return _clipped(_face(rng), (-2, rng.uniform(0.2, 0.75)), (2, 2))


def _eye_band(rng: np.random.Generator) -> Points:
    return _clipped(_face(rng), (-2, -rng.uniform(0.35, 0.6)), (2, rng.uniform(0.25, 0.6)))


def _half_face(rng: np.random.Generator) -> Points:
    edge = rng.uniform(-0.2, 0.2)
    low, high = (edge, 2) if rng.random() < 0.5 else (-2, edge)
    return _clipped(_face(rng), (low, -2), (high, 2))


def _landmark_hull(rng: np.random.Generator) -> Points:
    hull = _FACE[[0, 1, 4, 3]]
    centre = hull.mean(axis=0)
    sides = np.linspace(0, 1, 8, endpoint=False)[:, None]  # points along them, to be deformed
    dense = [a + sides * (b - a) for a, b in zip(hull, np.roll(hull, -1, axis=0), strict=True)]
    grown: Points = centre + (np.concatenate(dense) - centre) * rng.uniform(1.1, 1.9, size=2)
    return grown


def _ellipse(rng: np.random.Generator) -> Points:
    centre = np.array([rng.uniform(-0.3, 0.3), rng.uniform(0, 1.1)])
    ellipse: Points = centre + _CIRCLE * rng.uniform((0.45, 0.4), (0.95, 1.0))
    return ellipse


def _polygon(rng: np.random.Generator) -> Points:
    face = _face(rng)[:: int(rng.integers(3, 8))]
    centre = face.mean(axis=0)
    polygon: Points = centre + (face - centre) * rng.uniform(0.5, 1.1, size=(len(face), 1))
    return polygon


def _clipped(shape: Points, low: tuple[float, float], high: tuple[float, float]) -> Points:
    return np.clip(shape, low, high)


def _deformed(shape: Points, rng: np.random.Generator) -> Points:
    """Bend the plane by three waves of random direction, length and phase: elastic, and smooth."""
    waves = rng.normal(0, 2, size=(2, 3))
    phases = rng.uniform(0, 2 * np.pi, size=3)
    pushes = rng.normal(0, 0.06, size=(3, 2))
    moved: Points = shape + np.sin(shape @ waves + phases) @ pushes
    return moved
