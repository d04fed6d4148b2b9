"""The index of a data set: one row per video, ``data/videos.csv``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dfd.dataset.groups import group_videos
from dfd.dataset.layouts import LabelledVideo
from dfd.dataset.table import COLUMNS
from dfd.errors import DatasetError
from dfd.files import hash_file
from dfd.video.frames import VideoInfo


@dataclass(frozen=True)
class FileFacts:
    """What one file says of itself; the last five are None where it cannot be opened as a video.

    Attributes:
        sha256: Hash of its content.
        bytes: Its size.
        duration: Seconds.
        width: Pixels, as shown.
        height: Pixels, as shown.
        fps: Frames per second, on average.
        phash: Perceptual hash of its first frame, None too where that is plain.
    """

    sha256: str
    bytes: int
    duration: float | None
    width: int | None
    height: int | None
    fps: float | None
    phash: str | None


def describe(path: Path, info: VideoInfo | None) -> FileFacts:
    """Return the facts of one file.

    Args:
        path: The file.
        info: Its ``probe``, None where it cannot be opened as a video.

    Raises:
        DatasetError: The file cannot be read at all.
    """
    try:
        sha256, size = hash_file(path), path.stat().st_size
    except OSError as error:
        raise DatasetError(
            f"{path}: cannot be read ({error.strerror}); check its rights"
        ) from error
    if info is None:  # indexed all the same: the faces stage names the reason
        return FileFacts(sha256, size, None, None, None, None, None)
    shape = (info.width, info.height)
    return FileFacts(sha256, size, info.duration, *shape, info.fps, info.phash)


def build_index(
    videos: Sequence[LabelledVideo], facts: Sequence[FileFacts], dataset: str
) -> pd.DataFrame:
    """Return the index, sorted by video id, with the columns of ``COLUMNS``.

    A group joins a video with its source, its donor, the videos of the same person and every file
    of the same content.
    """
    ids = [video.video for video in videos]
    links = [
        (video.video, other)
        for video, fact in zip(videos, facts, strict=True)
        for other in (
            *(video.source, video.donor, f"sha256:{fact.sha256}"),
            f"person:{video.person}" if video.person else None,
        )
        if other
    ]
    rows = [
        (
            *(video.video, video.label, video.source, group, video.method, video.part, dataset),
            *(fact.sha256, fact.bytes, fact.duration, fact.width, fact.height, fact.fps),
            fact.phash,
        )
        for video, fact, group in zip(videos, facts, group_videos(ids, links), strict=True)
    ]
    index = pd.DataFrame(rows, columns=COLUMNS).astype({"width": "Int64", "height": "Int64"})
    return index.sort_values("video", ignore_index=True)
