"""The search for videos that share pictures, among many: any frame is compared with any other.

Comparing all pairs of 100,000 videos would take days. Hashes that agree in few bits are found by
locality-sensitive hashing (Indyk and Motwani, *Approximate Nearest Neighbors*, 1998): each of
``_BANDS`` bands is a choice of bits, and only hashes that agree in all bits of a band are compared.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dfd.video.phash import HASH_SIDE, split_hashes

# Bits of 256 in which pictures of two copies may differ; ``dfd.video.pictures`` has the figures.
MOST_BITS = 44
_BANDS, _BAND_BITS = 32, 20
_LOW = 16  # row + column of the frequencies that bands use: higher ones change more in a copy
_MOST_SHARING = 64  # neighbours in a band with which a hash is compared; more is a common picture
_MOST_PAIRS = 1_000_000
_ODD = np.tile(np.arange(HASH_SIDE) % 2 == 1, HASH_SIDE)  # the bits that mirroring inverts
_MIRROR = np.packbits(_ODD).view(np.uint64)

Bits = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]
Allowed = Callable[[Numbers, Numbers], npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class Pictures:
    """The hashes of many videos, H in all, sorted by video.

    Attributes:
        bits: uint64 (H, 4), the 256 bits of each hash.
        video: int64 (H,), the number of the video that each hash is of.
        face: bool (H,), whether it is of the square around a face rather than of the frame.
    """

    bits: Bits
    video: Numbers
    face: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Matches:
    """Pairs of videos that share pictures.

    Attributes:
        first: int64 (P,), the smaller number of each pair.
        second: int64 (P,), the larger number of each pair.
        bits: int64 (P,), the bits in which the pictures differ; see ``match``.
        complete: False where the search ended early, as more than a million pairs were near.
    """

    first: Numbers
    second: Numbers
    bits: Numbers
    complete: bool


def pictures_of(frames: Sequence[str | None], faces: Sequence[str | None]) -> Pictures:
    """Return the hashes of V videos as arrays.

    Args:
        frames: The column ``frame_hashes`` of the index; None, NaN or empty where there is none.
        faces: The column ``face_hashes``, in the same order.

    Raises:
        DatasetError: A value is no row of hashes.

    Example:
        >>> pictures = pictures_of(["00" * 64, None], ["ff" * 32, "0f" * 32])
        >>> pictures.video, pictures.face
        (array([0, 0, 0, 1]), array([False, False,  True,  True]))
    """
    parts, video, face = [], [], []
    for number, texts in enumerate(zip(frames, faces, strict=True)):
        for of_face, text in enumerate(texts):
            if isinstance(text, str) and text:
                parts.append(split_hashes(text))
                video.extend([number] * len(parts[-1]))
                face.extend([bool(of_face)] * len(parts[-1]))
    packed = np.concatenate(parts) if parts else np.empty((0, HASH_SIDE**2 // 8), np.uint8)
    return Pictures(packed.view(np.uint64), np.array(video, np.int64), np.array(face, bool))


def matching_videos(pictures: Pictures, allowed: Allowed) -> Matches:
    """Return the pairs of videos that share pictures, as they are or mirrored.

    Time and memory grow nearly in proportion to the hashes. A pair whose pictures differ in a
    quarter of ``MOST_BITS`` is found almost surely, one near ``MOST_BITS`` in a share of the cases
    that grows with the number of pictures that it has in common. Of a picture that very many
    videos have in common, a hash is compared with its neighbours alone.

    Args:
        pictures: The hashes of all videos.
        allowed: Function from two arrays of numbers of videos to whether each pair is wanted.

    Example:
        >>> pictures = pictures_of(["00" * 32, "00" * 31 + "ff", "0f" * 32], [None] * 3)
        >>> matches = matching_videos(pictures, lambda first, second: first != second)
        >>> matches.first, matches.second, matches.bits
        (array([0]), array([1]), array([8]))
    """
    count = int(pictures.video.max()) + 1 if len(pictures.video) else 0
    near: set[int] = set()
    for first, second in _near_hashes(pictures, allowed):
        pairs = np.unique(np.minimum(first, second) * count + np.maximum(first, second))
        near.update(pairs.tolist())
        if len(near) > _MOST_PAIRS:
            break
    ordered = np.array(sorted(near), np.int64)
    bounds = np.searchsorted(pictures.video, np.arange(count + 1))
    first, second = ordered // max(count, 1), ordered % max(count, 1)
    bits = np.array(
        [
            match(pictures, slice(*bounds[one : one + 2]), slice(*bounds[other : other + 2]))
            for one, other in zip(first, second, strict=True)
        ],
        np.int64,
    )
    kept = bits <= MOST_BITS
    return Matches(first[kept], second[kept], bits[kept], len(near) <= _MOST_PAIRS)


def match(pictures: Pictures, first: slice, second: slice) -> int:
    """Return in how many bits the pictures differ that two videos have in common, 0..256.

    Each picture of one video is compared with all of the other. One picture alike may be chance, so
    the second best counts, on the frames or on the faces; the best where a video has only one.

    Args:
        pictures: The hashes of all videos.
        first: The rows of one video.
        second: The rows of the other.
    """
    found = HASH_SIDE**2
    for face in (False, True):
        ours, theirs = (
            pictures.bits[rows][pictures.face[rows] == face] for rows in (first, second)
        )
        if len(ours) and len(theirs):
            plain = ours[:, None] ^ theirs[None]
            differ = np.minimum(_ones(plain), _ones(plain ^ _MIRROR))
            rank = min(2, len(ours), len(theirs)) - 1
            best = max(int(np.sort(differ.min(axis=axis))[rank]) for axis in (0, 1))
            found = min(found, best)
    return found


def _ones(bits: Bits) -> Numbers:
    return np.asarray(np.bitwise_count(bits).sum(axis=-1), np.int64)


def _near_hashes(pictures: Pictures, allowed: Allowed) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield the videos of pairs of hashes that agree in a band and differ in few bits."""
    hashes = len(pictures.video)
    rows, columns = np.divmod(np.arange(HASH_SIDE**2), HASH_SIDE)
    low = np.flatnonzero((rows + columns > 0) & (rows + columns < _LOW))
    choice = np.random.default_rng(0)
    for _ in range(_BANDS):
        chosen = choice.choice(low, _BAND_BITS, replace=False)
        keys = _keys(pictures, chosen)
        turned = keys ^ np.uint32(sum(1 << n for n, bit in enumerate(chosen) if _ODD[bit]))
        both = np.concatenate([keys, turned])  # the second half: the same hashes, mirrored
        order = np.argsort(both, kind="stable")
        ordered = both[order]
        at = np.arange(len(ordered))
        for distance in range(1, _MOST_SHARING + 1):
            at = at[at < len(ordered) - distance]
            at = at[ordered[at] == ordered[at + distance]]
            if not len(at):
                break
            one, other = order[at], order[at + distance]
            plain = np.minimum(one, other) < hashes  # two mirrored ones agree as they are, too
            one, other = one[plain], other[plain]
            mirrored = (one >= hashes) != (other >= hashes)
            one, other = one % hashes, other % hashes
            first, second = pictures.video[one], pictures.video[other]
            wanted = allowed(first, second) & (first != second)
            differ = pictures.bits[one[wanted]] ^ pictures.bits[other[wanted]]
            differ[mirrored[wanted]] ^= _MIRROR
            close = _ones(differ) <= MOST_BITS
            if close.any():
                yield first[wanted][close], second[wanted][close]


def _keys(pictures: Pictures, chosen: Numbers) -> npt.NDArray[np.uint32]:
    """Return the chosen bits of each hash as a number; those of faces have numbers of their own."""
    octets = pictures.bits.view(np.uint8)
    keys = pictures.face.astype(np.uint32) << _BAND_BITS
    for place, bit in enumerate(chosen.tolist()):
        value = (octets[:, bit // 8] >> (7 - bit % 8)) & 1
        keys |= value.astype(np.uint32) << place
    return np.asarray(keys, np.uint32)
