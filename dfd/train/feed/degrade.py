"""Degrading training crops as videos and pictures are degraded.

A crop is cut out of a compressed frame, so the block grid of the encoder lies at any offset in it.
"""

import cv2
import numpy as np

from dfd.compress import Pixels, h264, jpeg

_GRID = 16  # pixels between the blocks of H.264, and of the colours of JPEG
_DOWN = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
_UP = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


def as_video(crops: Pixels, rng: np.random.Generator) -> Pixels:
    """Return crops, all alike, as a frame of a video or a picture would hold them.

    Some are blurred or noisy, some are stored smaller and shown in the old size, and all are
    compressed.

    Args:
        crops: uint8 (K, S, S, 3) RGB, such as a REAL crop and its pseudo-fake; not modified.
        rng: Source of all randomness; the same state gives the same result.

    Returns:
        uint8 (K, S, S, 3) RGB.

    Example:
        >>> import numpy as np
        >>> crop = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        >>> first, second = as_video(np.stack([crop, crop]), np.random.default_rng(1))
        >>> bool((first == second).all()), bool((first == crop).all())
        (True, False)
    """
    side = crops.shape[1]
    smaller, blurred, noisy = rng.random(3) < (0.35, 0.15, 0.15)
    if blurred:
        sigma = side * rng.uniform(0.0025, 0.008)
        crops = np.stack([np.asarray(cv2.GaussianBlur(c, (0, 0), sigma), np.uint8) for c in crops])
    if noisy:
        noise = rng.standard_normal(crops.shape[1:], np.float32) * np.float32(rng.uniform(1, 5))
        crops = np.clip(np.rint(crops + noise), 0, 255).astype(np.uint8)
    if not smaller:
        return compressed(crops, rng)
    small = max(_GRID, round(side * rng.uniform(0.5, 0.95)))
    down, up = int(rng.choice(_DOWN)), int(rng.choice(_UP))
    return _scaled(compressed(_scaled(crops, small, down), rng), side, up)


def compressed(crops: Pixels, rng: np.random.Generator) -> Pixels:
    """Compress crops, all alike: JPEG or H.264 of random quality, its grid at a random offset.

    Args:
        crops: uint8 (K, S, S, 3) RGB; not modified.
        rng: Source of all randomness; the same state gives the same result.
    """
    top, left = (int(offset) for offset in rng.integers(_GRID, size=2))
    border = (top, 0, left, 0, cv2.BORDER_REFLECT_101)
    framed = np.stack([np.asarray(cv2.copyMakeBorder(c, *border), np.uint8) for c in crops])
    if rng.random() < 0.75:  # H.264 takes six times as long
        framed = jpeg(framed, int(rng.integers(50, 98)))
    else:
        framed = h264(framed, int(rng.integers(18, 40)))
    return framed[:, top:, left:]


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
    return _scaled(_scaled(crops, small, down), side, up)


def _scaled(crops: Pixels, side: int, method: int) -> Pixels:
    scaled = [cv2.resize(crop, (side, side), interpolation=method) for crop in crops]
    return np.stack(scaled).astype(np.uint8, copy=False)
