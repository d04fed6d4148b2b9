"""Pseudo-fakes made from REAL crops by blending a face into itself.

After Shiohara and Yamasaki, *Detecting Deepfakes with Self-Blended Images* (CVPR 2022,
arXiv:2204.08376): source and target are two versions of the same crop, so that only the traces of
blending tell the pseudo-fake from the crop. Parameter ranges are those of the paper where it gives
them.
"""

import cv2
import numpy as np
import numpy.typing as npt

from dfd.compress import Pixels
from dfd.train.feed.degrade import down_up
from dfd.train.feed.masks import Points, face_mask

Field = npt.NDArray[np.float32]

_RATIOS = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)
_YIQ = np.array([(0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312)])


def self_blend(crop: Pixels, landmarks: Points, rng: np.random.Generator) -> Pixels:
    """Make a REAL crop and its pseudo-fake from a REAL crop.

    Two versions of the crop are made, one of them with other colours and another sharpness. The
    face of the *source* is blended, a little displaced and deformed, into the *target* under a
    random soft mask. As in the paper, either may be the altered one. Unlike in the paper, the
    target itself is the REAL crop of the pair, so that the two differ in the face alone, and
    surroundings, colours and sharpness tell nothing. Both versions are sampled once, by one
    interpolation and in new places, which blurs them alike and takes the block grid of the stored
    JPEG from both.

    A blend of two images has lost traces of compression that a forgery in a video has: compress
    both crops alike (``dfd.train.feed.degrade.as_video``) before a network compares them.

    Args:
        crop: uint8 (S, S, 3) RGB in its stored size; not modified.
        landmarks: float (5, 2), x and y in pixels of the crop, in the order of
            ``dfd.faces.face.LANDMARKS``.
        rng: Source of all randomness; the same state gives the same result.

    Returns:
        uint8 (2, S, S, 3) RGB: the REAL crop, and the pseudo-fake, which equals it outside the
        mask.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> crop = rng.integers(0, 256, (128, 128, 3), dtype=np.uint8)
        >>> landmarks = np.array([(46, 54), (81, 54), (64, 73), (51, 92), (77, 92)])
        >>> real, fake = self_blend(crop, landmarks, rng)
        >>> changed = (fake != real).any(axis=2)
        >>> bool(changed[48:96, 48:80].any()), bool(changed[:12, :12].any())  # face, corner
        (True, False)
    """
    side = len(crop)
    mask = face_mask(side, landmarks, rng) * np.float32(rng.choice(_RATIOS))
    image = np.ascontiguousarray(crop)
    altered = _refocused(_recoloured(image, rng), rng)
    inner, outer = (altered, image) if rng.random() < 0.5 else (image, altered)
    places = _places(side, rng)
    method = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC
    target = _sampled(outer, places, method)
    source = _sampled(inner, places + _displacement(side, rng), method)
    return np.stack([target, np.asarray(cv2.blendLinear(source, target, mask, 1 - mask), np.uint8)])


def _recoloured(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Change hue, saturation and value, then the channels, then brightness and contrast.

    All changes are one matrix, so that levels are rounded once: a conversion to 8-bit hues would
    leave traces of its own.
    """
    angle = np.radians(rng.uniform(-6, 6))
    saturation, value = rng.uniform((0.85, 0.95), (1.15, 1.05))
    across, along = saturation * np.cos(angle), saturation * np.sin(angle)
    turn = np.array([(1, 0, 0), (0, across, -along), (0, along, across)])
    contrast, brightness = rng.uniform(0.9, 1.1), rng.uniform(-0.1, 0.1) * 255
    gains = contrast * value * np.linalg.inv(_YIQ) @ turn @ _YIQ
    shifts = rng.uniform(-20, 20, size=3) + brightness + 127.5 * (1 - contrast)
    return np.asarray(cv2.transform(image, np.column_stack([gains, shifts])), np.uint8)


def _refocused(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Sharpen an image, scale it down and up, or blur it, at random."""
    kind, side = rng.random(), len(image)
    if kind < 0.4:
        strength = rng.uniform(0.3, 1.2)
        soft = cv2.GaussianBlur(image, (0, 0), side * rng.uniform(0.005, 0.012))
        return np.asarray(cv2.addWeighted(image, 1 + strength, soft, -strength, 0), np.uint8)
    if kind < 0.8:
        (scaled,) = down_up(image[None], rng.uniform(0.35, 0.85), rng)
        return np.asarray(scaled, np.uint8)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), side * rng.uniform(0.003, 0.01)), np.uint8)


def _places(side: int, rng: np.random.Generator) -> Field:
    """Draw where the pixels of both versions are taken from, float32 (side, side, 2).

    The turn of up to 1.5°, the scale of up to 2 % and the shift of up to 1 % of the side are less
    than landmarks are off by, which therefore stay.
    """
    turn, scale = np.radians(rng.uniform(-1.5, 1.5)), rng.uniform(0.98, 1 / 0.98)
    along, across = scale * np.cos(turn), scale * np.sin(turn)
    centre = (side - 1) / 2
    dx, dy = centre + rng.uniform(-0.01, 0.01, size=2) * side
    x = np.arange(side, dtype=np.float32) - np.float32(centre)
    rows, columns = (x * np.float32(value) for value in (along, across))
    field = np.empty((side, side, 2), np.float32)
    np.add(rows[None, :], (dx - columns)[:, None].astype(np.float32), out=field[..., 0])
    np.add(columns[None, :], (dy + rows)[:, None].astype(np.float32), out=field[..., 1])
    return field


def _displacement(side: int, rng: np.random.Generator) -> Field:
    """Draw how far the source's pixels are displaced, float32 (side, side, 2) in pixels.

    The shift is up to 3 % of the side horizontally and 1.5 % vertically, the scale up to 5 %. The
    mean size of the elastic deformation is up to 1 % of the side, twice that of the paper.
    """
    bends = rng.normal(0, side * rng.uniform(0.002, 0.01), size=(8, 8, 2)).astype(np.float32)
    field = np.asarray(cv2.resize(bends, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)
    shift = rng.uniform((-0.03, -0.015), (0.03, 0.015)) * side
    growth = 1 / rng.uniform(0.95, 1 / 0.95) - 1
    away = (np.arange(side, dtype=np.float32) - np.float32((side - 1) / 2)) * np.float32(growth)
    field[..., 0] += (away + shift[0])[None, :]
    field[..., 1] += (away + shift[1])[:, None]
    return field


def _sampled(image: Pixels, places: Field, method: int) -> Pixels:
    x, y = places[..., 0], places[..., 1]
    sampled = cv2.remap(image, x, y, method, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(sampled, np.uint8)
