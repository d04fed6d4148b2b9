"""The audit's check for copies of a video, such as re-encoded, cropped, cut or faster ones.

The hashes of pictures in the index find them, and fingerprints decide. Videos with alike pictures
whose fingerprints differ may still be one recording, for example a cropped one: a warning.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from dfd.audit.findings import Finding, Outcome, in_words
from dfd.dataset.groups import group_videos
from dfd.video.fingerprint import Fingerprint, same_recording
from dfd.video.matching import Matches, matching_videos, pictures_of
from dfd.words import counted

ReadFingerprints = Callable[[list[str]], Iterable[tuple[str, Fingerprint | None]]]


def check_copies(table: pd.DataFrame, read_fingerprints: ReadFingerprints) -> Outcome:
    """Find videos of different groups that show one recording.

    Such videos are a leak where they lie in different parts, and a warning where they lie in one
    part but have different labels. Where it is likely alone, they are a warning, too.

    Args:
        table: One row per video, with the columns ``video``, ``label``, ``group``, ``part``,
            ``frame_hashes`` and ``face_hashes``.
        read_fingerprints: Callback that takes ids of videos and yields each id with the fingerprint
            of the video, or with None where the video cannot be decoded.
    """
    group = pd.factorize(table["group"])[0]
    kind = pd.factorize(table["part"] + " " + table["label"])[0]
    found = matching_videos(
        pictures_of(table["frame_hashes"].tolist(), table["face_hashes"].tolist()),
        lambda one, other: (group[one] != group[other]) & (kind[one] != kind[other]),
    )
    video, part = table["video"].to_numpy(object), table["part"].to_numpy(str)
    fingerprints = dict(read_fingerprints(list(video[np.unique([found.first, found.second])])))
    same = _same(video[found.first], video[found.second], fingerprints)
    across = part[found.first] != part[found.second]
    findings = [
        *_leaks(table, found, same & across),
        *_doubts(table, found, same & ~across),
        *_likely(table, found, ~same & across),
    ]
    omitted = []
    unhashed = table[["frame_hashes", "face_hashes"]].replace("", None).isna().all(axis=1)
    if count := int(unhashed.sum()):
        omitted.append(f"{counted(count, 'video')} unreadable or plain")
    if lost := sum(fingerprint is None for fingerprint in fingerprints.values()):
        omitted.append(f"{counted(lost, 'video')} that could not be decoded")
    if not found.complete:
        omitted.append("further pairs (more than a million are near)")
    summary = (
        f"{counted(len(table) - count, 'video')}; {counted(len(same), 'pair')} alike, "
        f"{int(same.sum()) or 'none'} one recording by their motion"
    )
    return Outcome("copies", summary, tuple(findings), "; ".join(omitted) or None)


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


def _leaks(table: pd.DataFrame, pairs: Matches, same: npt.NDArray[np.bool_]) -> Iterator[Finding]:
    """Yield a leak for each recording that lies in more than one part."""
    for rows in _clusters(table, pairs, same):
        where = in_words(list(rows["video"]), rows["part"])
        text = f"Videos of different groups show one recording, in more than one part: {where}."
        yield Finding("copies_cross", "leak", text, tuple(rows["video"]))


def _doubts(table: pd.DataFrame, pairs: Matches, same: npt.NDArray[np.bool_]) -> Iterator[Finding]:
    """Yield a warning for each recording that has two labels within one part."""
    for rows in _clusters(table, pairs, same):
        names = in_words(list(rows["video"]), rows["label"])
        text = (
            f"Videos of different groups show one recording, with two labels: {names}; is one made "
            "from the other?"
        )
        yield Finding("two_labels", "warning", text, tuple(rows["video"]))


def _likely(
    table: pd.DataFrame, pairs: Matches, likely: npt.NDArray[np.bool_]
) -> Iterator[Finding]:
    """Yield a warning for videos of several parts that may show one recording."""
    for rows in _clusters(table, pairs, likely):
        where = in_words(list(rows["video"]), rows["part"])
        text = f"Videos of different groups may show one recording, in more than one part: {where}."
        yield Finding("likely_copies", "warning", text, tuple(rows["video"]))


def _clusters(
    table: pd.DataFrame, pairs: Matches, chosen: npt.NDArray[np.bool_]
) -> Iterator[pd.DataFrame]:
    """Yield a table of the videos in each cluster that the chosen pairs connect."""
    video = table["video"].to_numpy(object)
    links = list(zip(video[pairs.first[chosen]], video[pairs.second[chosen]], strict=True))
    rows = table[table["video"].isin({name for link in links for name in link})]
    clusters = np.array(group_videos(list(rows["video"]), links), object)
    for _, cluster in rows.groupby(clusters):
        yield cluster
