"""Soft masks of a face or of a part of it, drawn at random from five landmarks.

Shapes are polygons in a *face frame*: its origin lies between the eyes, x points towards the right
eye, y towards the mouth, and the distance between the eyes is 1. An affine map fitted to the
landmarks maps the face frame to the crop. Various shapes, elastic deformation and soft edges of
random width follow Shiohara and Yamasaki, *Detecting Deepfakes with Self-Blended Images*
(CVPR 2022, arXiv:2204.08376), whose masks use 81 landmarks.
"""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Mask = npt.NDArray[np.float32]

# Mean landmarks of frontal faces in the face frame, in the order of dfd.faces.face.LANDMARKS.
_FACE = np.array([(-0.5, 0), (0.5, 0), (0, 0.6), (-0.4, 1.13), (0.4, 1.13)])
_FIT = np.linalg.pinv(np.column_stack([_FACE, np.ones(5)]))  # least squares, (3, 5)
# Map from the face frame to an average crop of side 1, used where the landmarks are unusable.
_AVERAGE = np.array([(0.27, 0, 0.5), (0, 0.27, 0.415)])
_ANGLES = np.linspace(0, 2 * np.pi, 48, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_SUBPIXEL_BITS = 4
# Of the shapes in the order of ``face_mask``.
_SHARES = (0.2, 0.14, 0.12, 0.12, 0.08, 0.06, 0.06, 0.08, 0.06, 0.08)
# Centre and half axes of the left eye, the right eye, the nose and the mouth in the face frame.
_FEATURES = np.array(
    [(-0.5, 0, 0.4, 0.28), (0.5, 0, 0.4, 0.28), (0, 0.5, 0.35, 0.45), (0, 1.13, 0.6, 0.32)]
)


def face_mask(side: int, landmarks: Points, rng: np.random.Generator) -> Mask:
    """Draw a soft mask of the inner face or of a part of it.

    Args:
        side: Width and height of the crop in pixels.
        landmarks: float (5, 2), x and y in pixels of the crop, in the order of
            ``dfd.faces.face.LANDMARKS``. Where they span no plausible face, the average position of
            a face in a crop is used.
        rng: Source of all randomness.

    Returns:
        float32 (side, side), from 0 outside the mask to 1 inside.

    Example:
        >>> import numpy as np
        >>> landmarks = np.array([(46, 54), (81, 54), (64, 73), (51, 92), (77, 92)])
        >>> mask = face_mask(128, landmarks, np.random.default_rng(0))
        >>> mask.shape, float(mask[0, 0]), bool(mask.max() > 0.9)
        ((128, 128), 0.0, True)
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
        _feature,
        _features,
    )
    shape = shapes[rng.choice(len(shapes), p=_SHARES)](rng)
    centre = shape.mean(axis=0)
    shape = centre + (shape - centre) * rng.uniform(0.85, 1.08)  # shrunk, or slightly enlarged
    outline = to_crop(_deformed(shape, rng), face_frame(side, landmarks))
    return _with_soft_edge(filled(side, outline), rng)


def face_frame(side: int, landmarks: Points) -> Points:
    """Fit the affine map from the face frame to a crop by least squares.

    Args:
        side: Width and height of the crop in pixels.
        landmarks: float (5, 2), x and y in pixels of the crop; they may coincide, lie outside the
            crop or not be finite.

    Returns:
        float64 (2, 3), the matrix of the map. Where the landmarks span no plausible face, as in a
        full profile, the map to the average position of a face in a crop.

    Example:
        >>> import numpy as np
        >>> face_frame(100, np.full((5, 2), np.nan)).tolist()
        [[27.0, 0.0, 50.0], [0.0, 27.0, 41.5]]
    """
    average = _AVERAGE * side
    if not np.isfinite(landmarks).all():
        return average
    fitted = (_FIT @ landmarks).T
    spans = np.linalg.svd(fitted[:, :2], compute_uv=False)
    centre = to_crop(np.array([[0, 0.6]]), fitted)
    plausible = spans[1] >= 0.08 * side and spans[0] <= 0.7 * side
    inside = (centre > 0).all() and (centre < side).all()
    return fitted if plausible and inside else average


def to_crop(points: Points, frame: Points) -> Points:
    """Map points of the face frame, float (N, 2), to pixels of the crop with a (2, 3) matrix."""
    mapped: Points = points @ frame[:, :2].T + frame[:, 2]
    return mapped


def filled(side: int, outline: Points) -> npt.NDArray[np.uint8]:
    """Return a filled polygon with anti-aliased edges as a mask, uint8 (side, side), 0..255.

    Args:
        side: Width and height of the mask in pixels.
        outline: float (N, 2), the corners in pixels.
    """
    mask = np.zeros((side, side), np.uint8)
    corners = np.rint(outline * 2**_SUBPIXEL_BITS).astype(np.int32)
    cv2.fillPoly(mask, [corners], (255,), cv2.LINE_AA, _SUBPIXEL_BITS)
    return mask


def _with_soft_edge(mask: npt.NDArray[np.uint8], rng: np.random.Generator) -> Mask:
    """Blur a mask, cut it at a random level, and blur it again; the widths are shares of the side.

    The first blur rounds corners, and the level moves the edge in or out.
    """
    side = len(mask)
    rounded = _blurred(mask.astype(np.float32), side * rng.uniform(0.01, 0.08))
    cut = (rounded > 255 * rng.uniform(0.3, 0.7)).astype(np.float32)
    return np.clip(_blurred(cut, side * rng.uniform(0.01, 0.12)), 0, 1)


def _blurred(mask: Mask, width: float) -> Mask:
    # Two box blurs resemble a Gaussian blur, and their cost does not depend on the width in pixels.
    box = 2 * round(width / 2) + 1
    return np.asarray(cv2.blur(cv2.blur(mask, (box, box)), (box, box)), np.float32)


def _face(rng: np.random.Generator) -> Points:
    """Draw the outline of a face from forehead to chin: an ellipse that is narrower below."""
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
    sides = np.linspace(0, 1, 8, endpoint=False)[
        :, None
    ]  # points on the sides, which the deformation moves
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


def _feature(rng: np.random.Generator) -> Points:
    """Draw an ellipse around one eye, the nose or the mouth."""
    x, y, width, height = _FEATURES[rng.integers(len(_FEATURES))]
    ellipse: Points = (x, y) + _CIRCLE * (width, height) * rng.uniform(0.9, 1.4, size=2)
    return ellipse


def _features(rng: np.random.Generator) -> Points:
    """Draw the region of eyes, nose and mouth: broad at the eyes, and narrower below them."""
    eyes, nose, mouth = rng.uniform((0.8, 0.3, 0.4), (1.0, 0.5, 0.7))
    top, under, low = rng.uniform((0.25, 0.25, 1.35), (0.45, 0.4, 1.6))
    right = [(eyes, -top), (eyes, under), (nose, under + 0.15), (mouth, 1.0), (mouth, low)]
    return np.array([*right, *((-x, y) for x, y in reversed(right))])


def _clipped(shape: Points, low: tuple[float, float], high: tuple[float, float]) -> Points:
    return np.clip(shape, low, high)


def _deformed(shape: Points, rng: np.random.Generator) -> Points:
    """Deform a shape elastically with three waves of random direction, length and phase."""
    waves = rng.normal(0, 2, size=(2, 3))
    phases = rng.uniform(0, 2 * np.pi, size=3)
    pushes = rng.normal(0, 0.06, size=(3, 2))
    moved: Points = shape + np.sin(shape @ waves + phases) @ pushes
    return moved
