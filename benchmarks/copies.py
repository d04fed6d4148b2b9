"""Benchmark of the search for copies among 100,000 simulated videos."""

import resource
import time
from pathlib import Path

import numpy as np

from dfd.video.matching import Pictures, matching_videos

_VIDEOS, _HASHES = 100_000, 40  # of ten seconds: 20 frames and 20 faces
_SCENES = 20_000  # five videos each, whose pictures have half of their bits in common
_PLANTED, _CHANGED = 1000, 0.12  # copies, and the share of bits that differ: 31 of 256
_MOVED = 0.04  # bits that change from one picture to the next: 10 of 256


def copies(folder: Path) -> dict[str, float]:
    """Measure how long the search takes, its memory, and how many planted copies it finds."""
    draw = np.random.default_rng(0)
    scenes = draw.integers(0, 256, (_SCENES, 2, 32), np.uint8)
    own = draw.integers(0, 256, (_VIDEOS, 2, 32), np.uint8)
    mask = draw.integers(0, 256, 32, np.uint8)  # the bits that a scene has in common
    base = (scenes[np.arange(_VIDEOS) % _SCENES] & mask) | (own & ~mask)
    base[-_PLANTED:] = base[:_PLANTED] ^ _flips(draw, (_PLANTED, 2, 32), _CHANGED)
    octets = np.empty((_VIDEOS, _HASHES, 32), np.uint8)
    for number in range(_HASHES):
        noise = _flips(draw, (_VIDEOS, 32), _MOVED)
        octets[:, number] = base[:, number % 2] ^ noise
    pictures = Pictures(
        octets.reshape(-1, 32).view(np.uint64),
        np.arange(_VIDEOS).repeat(_HASHES),
        np.tile(np.arange(_HASHES) % 2 == 1, _VIDEOS),
    )
    begun = time.perf_counter()
    found = matching_videos(pictures, lambda one, other: one != other)
    seconds = time.perf_counter() - begun
    pairs = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    planted = {(number, _VIDEOS - _PLANTED + number) for number in range(_PLANTED)}
    return {
        "copies.minutes_of_100000_videos": seconds / 60,
        "copies.peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "copies.planted_found": len(pairs & planted) / _PLANTED,
        "copies.wrong_pairs": len(pairs - planted),
    }


def _flips(draw: np.random.Generator, shape: tuple[int, ...], share: float) -> np.ndarray:
    """Return octets of which a share of the bits is set."""
    bits = np.zeros(shape, np.uint8)
    for place in range(8):
        bits |= (draw.random(shape, np.float32) < share).astype(np.uint8) << place
    return bits
