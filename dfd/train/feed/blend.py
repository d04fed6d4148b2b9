"""Pseudo-fakes made from REAL crops by blending a face into itself.

After Shiohara and Yamasaki, *Detecting Deepfakes with Self-Blended Images* (CVPR 2022,
arXiv:2204.08376): source and target are two versions of the same crop, so that only the traces of
blending tell the pseudo-fake from the crop. Parameter ranges are those of the paper where it gives
them.
"""

import cv2
import numpy as np

from dfd.compress import Pixels
from dfd.train.feed.masks import Points, face_mask

_RATIOS = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)
_YIQ = np.array([(0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312)])
_DOWN = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
_UP = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


def self_blend(crop: Pixels, landmarks: Points, rng: np.random.Generator) -> Pixels:
    """Make a pseudo-fake from a REAL crop.

    A copy of the crop with other colours, other sharpness and a small displacement is blended into
    the crop under a random soft mask. Unlike in the paper, the surroundings of the face are never
    changed: the REAL crop stays as it is, so changed surroundings would give the pseudo-fake away.
    Colour changes of both crops together belong to the augmentation of the batch.

    A crop from a JPEG file carries traces of its compression, which the blended part has lost; a
    real forgery differs from its source in no such way. Encode both crops alike with
    ``dfd.compress.jpeg`` before a network compares them.

    Args:
        crop: uint8 (S, S, 3) RGB; not modified.
        landmarks: float (5, 2), x and y in pixels of the crop, in the order of
            ``dfd.faces.face.LANDMARKS``.
        rng: Source of all randomness; the same state gives the same result.

    Returns:
        uint8 (S, S, 3) RGB, equal to the crop outside the mask.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> crop = rng.integers(0, 256, (128, 128, 3), dtype=np.uint8)
        >>> landmarks = np.array([(46, 54), (81, 54), (64, 73), (51, 92), (77, 92)])
        >>> changed = (self_blend(crop, landmarks, rng) != crop).any(axis=2)
        >>> bool(changed[48:96, 48:80].any()), bool(changed[:12, :12].any())  # face, corner
        (True, False)
    """
    mask = face_mask(len(crop), landmarks, rng) * np.float32(rng.choice(_RATIOS))
    target = np.ascontiguousarray(crop)
    source = _warped(_refocused(_recoloured(target, rng), rng), rng)
    return np.asarray(cv2.blendLinear(source, target, mask, 1 - mask), np.uint8)


def down_up(crops: Pixels, factor: float, rng: np.random.Generator) -> Pixels:
    """Return crops scaled down and up again, with interpolation methods drawn at random.

    Args:
        crops: uint8 (K, S, S, 3).
        factor: Scale of the smaller crops, 0..1; they are at least 8 pixels wide.
        rng: Source of all randomness.
    """
    side = crops.shape[1]
    small = max(8, round(side * factor))
    down, up = int(rng.choice(_DOWN)), int(rng.choice(_UP))
    shrunk = [cv2.resize(crop, (small, small), interpolation=down) for crop in crops]
    grown = [cv2.resize(crop, (side, side), interpolation=up) for crop in shrunk]
    return np.stack(grown).astype(np.uint8, copy=False)


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
    kind = rng.random()
    if kind < 0.4:
        strength = rng.uniform(0.3, 1.2)
        soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.7, 1.5))
        return np.asarray(cv2.addWeighted(image, 1 + strength, soft, -strength, 0), np.uint8)
    if kind < 0.8:
        (scaled,) = down_up(image[None], rng.uniform(0.35, 0.85), rng)
        return np.asarray(scaled, np.uint8)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.2)), np.uint8)


def _warped(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Shift, scale and deform an image with a single interpolation.

    The shift is up to 3 % of the side horizontally and 1.5 % vertically, the scale up to 5 %. The
    mean size of the elastic deformation is up to 1 % of the side, twice that of the paper.
    """
    side = len(image)
    scale = rng.uniform(0.95, 1 / 0.95)
    shift = rng.uniform((-0.03, -0.015), (0.03, 0.015)) * side
    bends = rng.normal(0, side * rng.uniform(0.002, 0.01), size=(8, 8, 2)).astype(np.float32)
    field = np.asarray(cv2.resize(bends, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)
    centre = (side - 1) / 2
    places = (np.arange(side, dtype=np.float32) - centre) / scale + centre
    field[..., 0] += (places + shift[0])[None, :]
    field[..., 1] += (places + shift[1])[:, None]
    method = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC
    moved = cv2.remap(
        image, field[..., 0], field[..., 1], method, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(moved, np.uint8)
