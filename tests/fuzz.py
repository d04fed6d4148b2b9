"""Damaged videos out of sound ones, the same for the same seed."""

import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

HEADERS = (b"moov", b"stsz", b"stts", b"stsc", b"stco", b"tkhd", b"avcC", b"stsd", b"ctts", b"elst")


def _flip_bits(clip: bytearray, rng: np.random.Generator) -> None:
    for place in rng.integers(0, len(clip), int(2 ** rng.uniform(0, 9))):
        clip[place] ^= 1 << int(rng.integers(8))


def _truncate(clip: bytearray, rng: np.random.Generator) -> None:
    del clip[int(rng.integers(len(clip))) :]


def _overwrite(clip: bytearray, rng: np.random.Generator) -> None:
    start, length = int(rng.integers(len(clip))), int(2 ** rng.uniform(2, 14))
    noise = bytes(length) if rng.random() < 0.5 else rng.bytes(length)
    clip[start : start + length] = noise[: len(clip) - start]


def _repeat(clip: bytearray, rng: np.random.Generator) -> None:
    start, length = int(rng.integers(len(clip))), int(2 ** rng.uniform(2, 14))
    clip[start:start] = clip[start : start + length]


def _remove(clip: bytearray, rng: np.random.Generator) -> None:
    start = int(rng.integers(len(clip)))
    del clip[start : start + int(2 ** rng.uniform(0, 14))]


def _lie(clip: bytearray, rng: np.random.Generator) -> None:
    """Put huge, tiny or random numbers into one of the container's tables."""
    header = HEADERS[int(rng.integers(len(HEADERS)))]
    found = clip.find(header)
    for _ in range(int(rng.integers(1, 6))):
        place = found + 4 + 4 * int(rng.integers(20))
        value = int(rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, int(rng.integers(2**32))]))
        if found >= 0 and place + 4 <= len(clip):
            clip[place : place + 4] = value.to_bytes(4, "big")


MUTATIONS = (_flip_bits, _truncate, _overwrite, _repeat, _remove, _lie)


def seeded(seed: int | None) -> np.random.Generator:
    """Return a generator; None stands for the seed in the variable ``DFD_SEED``, or for a new one.

    A seed that is not given is printed, so that the report of a failed test names it.
    """
    if seed is None:
        seed = int(os.environ.get("DFD_SEED") or secrets.randbits(32))
        print(f"DFD_SEED={seed} makes the same damage")
    return np.random.default_rng(seed)


def mutants(clips: Sequence[Path], count: int, seed: int | None) -> Iterator[bytes]:
    """Yield ``count`` damaged videos: one or two mutations each, of one clip or of two spliced.

    Args:
        clips: The sound videos.
        count: Number of damaged videos.
        seed: As for ``seeded``.
    """
    rng = seeded(seed)
    for _ in range(count):
        first, second = (
            bytearray(clips[int(rng.integers(len(clips)))].read_bytes()) for _ in range(2)
        )
        if rng.random() < 0.2:
            clip = first[: int(rng.integers(len(first)))] + second[int(rng.integers(len(second))) :]
        else:
            clip = first
            for _ in range(int(rng.integers(1, 3))):
                if clip:
                    MUTATIONS[rng.integers(len(MUTATIONS))](clip, rng)
        yield bytes(clip)
