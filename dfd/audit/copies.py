"""Check of the audit for copies of a video that are other files: re-encoded, rescaled, mirrored.

The perceptual hashes of the index name pairs that may be copies; a few pictures of either tell.
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

# A quarter of the bits: well above what the worst copies and fakes measured lose (22 and 49).
MOST_BITS = 64
_MOST_PAIRS = 1_000_000
_BLOCK = 2048

ReadFingerprints = Callable[[list[str]], Iterable[tuple[str, Fingerprint | None]]]


@dataclass(frozen=True)
class Pairs:
    """Pairs of rows whose hashes are near; arrays of one length, int32, ``one`` < ``other``.

    ``bits`` is how many bits differ, and ``within`` up to how many all pairs were kept.
    """

    one: npt.NDArray[np.int32]
    other: npt.NDArray[np.int32]
    bits: npt.NDArray[np.int32]
    within: int


def check_copies(table: pd.DataFrame, read_fingerprints: ReadFingerprints) -> Outcome:
    """Find videos of different groups that show one recording.

    Across parts they are a leak; in one part with two labels, a warning.

    Args:
        table: Columns ``video``, ``label``, ``group``, ``phash`` and ``part``.
        read_fingerprints: Yields each video named with its fingerprint, None where it cannot be
            decoded.
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
    looks = dict(read_fingerprints(list(video[np.unique([pairs.one, pairs.other])])))
    same = _same(video[pairs.one], video[pairs.other], looks)
    across = part[pairs.one] != part[pairs.other]
    findings = [*_leaks(hashed, pairs, same & across), *_doubts(hashed, pairs, same & ~across)]
    omitted = []
    if plain := int(table["phash"].isna().sum()):
        omitted.append(f"{counted(plain, 'video')} unreadable or beginning with a plain picture")
    if lost := sum(pictures is None for pictures in looks.values()):
        omitted.append(f"{counted(lost, 'video')} that could not be decoded")
    if pairs.within < MOST_BITS:
        omitted.append(
            f"pairs that differ in more than {pairs.within} of 256 bits (more than "
            f"{_MOST_PAIRS:,} pairs are near)"
        )
    many = f"{counted(len(same), 'pair')} alike at first sight"
    said = f"{counted(len(hashed), 'video')}; {many}, {int(same.sum()) or 'none'} one recording"
    return Outcome("copies", said, tuple(findings), "; ".join(omitted) or None)


def near_pairs(
    bits: npt.NDArray[np.bool_],
    group: npt.NDArray[np.int64],
    kind: npt.NDArray[np.int64],
    most: int,
) -> Pairs:
    """Return the pairs whose hashes differ in few bits, mirrored or not.

    Signs are multiplied as matrices, block by block, so that all pairs of 100,000 videos cost tens
    of seconds and 300 MB. When more than ``most`` pairs are near, the limit is lowered until the
    nearest are left, whatever the order of the rows.

    Args:
        bits: As from ``hash_bits``, (N, 16, 16).
        group: Number of each row's group, (N,); no pair is of one group.
        kind: Number of each row's part and label, (N,); no pair is of one kind.
        most: Number of pairs that may be kept.
    """
    signs = np.where(bits, np.float32(1), np.float32(-1))
    even, odd = (signs[:, :, first::2].reshape(-1, HASH_SIDE**2 // 2) for first in (0, 1))
    within, kept = MOST_BITS, np.empty((3, 0), np.int32)
    for top in range(0, len(bits), _BLOCK):
        for left in range(top, len(bits), _BLOCK):
            rows, columns = slice(top, top + _BLOCK), slice(left, left + _BLOCK)
            # A mirrored picture has the odd columns of signs inverted: of both, the nearer counts.
            agree = np.abs(odd[rows] @ odd[columns].T)
            agree += even[rows] @ even[columns].T
            one, other = np.nonzero(agree >= 256 - 2 * within)
            differ = ((256 - agree[one, other]) / 2).astype(np.int32)
            one, other = one + top, other + left
            wanted = (one < other) & (group[one] != group[other]) & (kind[one] != kind[other])
            if wanted.any():
                found = np.stack([one, other, differ])[:, wanted].astype(np.int32)
                kept = np.concatenate([kept, found], axis=1)
            while kept.shape[1] > most:
                within -= 1
                kept = kept[:, kept[2] <= within]
    return Pairs(kept[0], kept[1], kept[2], within)


def _same(
    one: npt.NDArray[np.object_],
    other: npt.NDArray[np.object_],
    looks: dict[str, Fingerprint | None],
) -> npt.NDArray[np.bool_]:
    """Tell of each pair of videos whether it is one recording."""
    same = np.zeros(len(one), bool)
    for number, (first, second) in enumerate(zip(one, other, strict=True)):
        ours, theirs = looks[first], looks[second]
        if ours is not None and theirs is not None:
            same[number] = same_recording(ours, theirs)
    return same


def _leaks(table: pd.DataFrame, pairs: Pairs, same: npt.NDArray[np.bool_]) -> Iterator[Finding]:
    for rows in _clusters(table, pairs, same):
        where = in_words(list(rows["video"]), rows["part"])
        text = f"Videos of different groups show one recording, in more than one part: {where}."
        yield Finding("copies_cross", "leak", text, tuple(rows["video"]))


def _doubts(table: pd.DataFrame, pairs: Pairs, same: npt.NDArray[np.bool_]) -> Iterator[Finding]:
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
    """Yield the rows that the chosen pairs connect, one table for each such cluster."""
    video = table["video"].to_numpy(object)
    links = list(zip(video[pairs.one[chosen]], video[pairs.other[chosen]], strict=True))
    rows = table[table["video"].isin({name for link in links for name in link})]
    clusters = np.array(group_videos(list(rows["video"]), links), object)
    for _, cluster in rows.groupby(clusters):
        yield cluster
