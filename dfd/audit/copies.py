"""The audit's check for copies of a video: files re-encoded, rescaled or mirrored from another.

Perceptual hashes in the index suggest pairs that may be copies; their fingerprints decide.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from dfd.audit.findings import Finding, Outcome, in_words
from dfd.dataset.groups import group_videos
from dfd.video.fingerprint import Fingerprint, same_recording
from dfd.video.phash import HASH_SIDE, hash_bits
from dfd.words import counted

# A quarter of the bits: well above the most that was measured for a copy (22) or a fake (49).
MOST_BITS = 64
_MOST_PAIRS = 1_000_000
_BLOCK = 2048

ReadFingerprints = Callable[[list[str]], Iterable[tuple[str, Fingerprint | None]]]


@dataclass(frozen=True)
class Pairs:
    """Pairs of rows whose perceptual hashes are similar.

    Attributes:
        first: int32 (P,), the smaller row number of each pair.
        second: int32 (P,), the larger row number of each pair.
        bits: int32 (P,), the number of bits in which the two hashes differ.
        within: All pairs that differ in at most this many bits are included.
    """

    first: npt.NDArray[np.int32]
    second: npt.NDArray[np.int32]
    bits: npt.NDArray[np.int32]
    within: int


def check_copies(table: pd.DataFrame, read_fingerprints: ReadFingerprints) -> Outcome:
    """Find videos of different groups that show one recording.

    Such videos are a leak where they lie in different parts, and a warning where they lie in one
    part but have different labels.

    Args:
        table: One row per video, with the columns ``video``, ``label``, ``group``, ``phash`` and
            ``part``.
        read_fingerprints: Callback that takes ids of videos and yields each id with the fingerprint
            of the video, or with None where the video cannot be decoded.
    """
    hashed = table[table["phash"].notna()].reset_index(drop=True)
    kind = hashed["part"] + " " + hashed["label"]
    pairs = near_pairs(
        hash_bits(hashed["phash"].tolist()),
        pd.factorize(hashed["group"])[0],
        pd.factorize(kind)[0],
        _MOST_PAIRS,
    )
    video, part = hashed["video"].to_numpy(object), hashed["part"].to_numpy(str)
    fingerprints = dict(read_fingerprints(list(video[np.unique([pairs.first, pairs.second])])))
    same = _same(video[pairs.first], video[pairs.second], fingerprints)
    across = part[pairs.first] != part[pairs.second]
    findings = [*_leaks(hashed, pairs, same & across), *_doubts(hashed, pairs, same & ~across)]
    omitted = []
    if unhashed := int(table["phash"].isna().sum()):
        omitted.append(f"{counted(unhashed, 'video')} unreadable or beginning with a plain picture")
    if lost := sum(fingerprint is None for fingerprint in fingerprints.values()):
        omitted.append(f"{counted(lost, 'video')} that could not be decoded")
    if pairs.within < MOST_BITS:
        omitted.append(
            f"pairs that differ in more than {pairs.within} of 256 bits (more than "
            f"{_MOST_PAIRS:,} pairs are near)"
        )
    similar = f"{counted(len(same), 'pair')} alike at first sight"
    summary = (
        f"{counted(len(hashed), 'video')}; {similar}, {int(same.sum()) or 'none'} one recording"
    )
    return Outcome("copies", summary, tuple(findings), "; ".join(omitted) or None)


def near_pairs(
    bits: npt.NDArray[np.bool_],
    group: npt.NDArray[np.int64],
    kind: npt.NDArray[np.int64],
    most: int,
) -> Pairs:
    """Return the pairs of rows whose perceptual hashes differ in few bits, mirrored or not.

    The bits are compared by matrix products, block by block, so that all pairs of 100,000 videos
    take tens of seconds and 300 MB. Where more than ``most`` pairs are similar, the limit on their
    bits is lowered until no more than that are left; the result does not depend on the order of the
    rows.

    Args:
        bits: bool (N, 16, 16), from ``hash_bits``.
        group: int (N,), the number of each row's group. Rows of one group make no pair.
        kind: int (N,), a number for each row's part and label. Rows of one kind make no pair.
        most: Greatest number of pairs to return.

    Example:
        >>> bits = hash_bits(["00" * 32, "00" * 31 + "ff", "ff" * 32])
        >>> pairs = near_pairs(bits, group=np.arange(3), kind=np.arange(3), most=10)
        >>> pairs.first, pairs.second, pairs.bits
        (array([0], dtype=int32), array([1], dtype=int32), array([8], dtype=int32))
    """
    signs = np.where(bits, np.float32(1), np.float32(-1))
    even, odd = (signs[:, :, start::2].reshape(-1, HASH_SIDE**2 // 2) for start in (0, 1))
    within, kept = MOST_BITS, np.empty((3, 0), np.int32)
    for top in range(0, len(bits), _BLOCK):
        for left in range(top, len(bits), _BLOCK):
            rows, columns = slice(top, top + _BLOCK), slice(left, left + _BLOCK)
            # Mirroring inverts the odd columns of bits; the better of the two matches counts.
            agree = np.abs(odd[rows] @ odd[columns].T)
            agree += even[rows] @ even[columns].T
            row, column = np.nonzero(agree >= 256 - 2 * within)
            differ = ((256 - agree[row, column]) / 2).astype(np.int32)
            first, second = row + top, column + left
            wanted = (first < second) & (group[first] != group[second])
            wanted &= kind[first] != kind[second]
            if wanted.any():
                near = np.stack([first, second, differ])[:, wanted].astype(np.int32)
                kept = np.concatenate([kept, near], axis=1)
            while kept.shape[1] > most:
                within -= 1
                kept = kept[:, kept[2] <= within]
    return Pairs(kept[0], kept[1], kept[2], within)


def _same(
    first: npt.NDArray[np.object_],
    second: npt.NDArray[np.object_],
    fingerprints: dict[str, Fingerprint | None],
) -> npt.NDArray[np.bool_]:
    """Return for each pair of videos whether they show one recording, bool (P,)."""
    same = np.zeros(len(first), bool)
    for number, videos in enumerate(zip(first, second, strict=True)):
        one, other = (fingerprints[video] for video in videos)
        if one is not None and other is not None:
            same[number] = same_recording(one, other)
    return same


def _leaks(table: pd.DataFrame, pairs: Pairs, same: npt.NDArray[np.bool_]) -> Iterator[Finding]:
    """Yield a leak for each recording that lies in more than one part."""
    for rows in _clusters(table, pairs, same):
        where = in_words(list(rows["video"]), rows["part"])
        text = f"Videos of different groups show one recording, in more than one part: {where}."
        yield Finding("copies_cross", "leak", text, tuple(rows["video"]))


def _doubts(table: pd.DataFrame, pairs: Pairs, same: npt.NDArray[np.bool_]) -> Iterator[Finding]:
    """Yield a warning for each recording that has two labels within one part."""
    for rows in _clusters(table, pairs, same):
        names = in_words(list(rows["video"]), rows["label"])
        text = (
            f"Videos of different groups show one recording, with two labels: {names}; is one made "
            "from the other?"
        )
        yield Finding("two_labels", "warning", text, tuple(rows["video"]))


def _clusters(
    table: pd.DataFrame, pairs: Pairs, chosen: npt.NDArray[np.bool_]
) -> Iterator[pd.DataFrame]:
    """Yield a table of the videos in each cluster that the chosen pairs connect."""
    video = table["video"].to_numpy(object)
    links = list(zip(video[pairs.first[chosen]], video[pairs.second[chosen]], strict=True))
    rows = table[table["video"].isin({name for link in links for name in link})]
    clusters = np.array(group_videos(list(rows["video"]), links), object)
    for _, cluster in rows.groupby(clusters):
        yield cluster
