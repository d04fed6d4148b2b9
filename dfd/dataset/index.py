"""Building the index of a data set, ``data/videos.csv``: one row per video."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dfd.dataset.groups import group_videos
from dfd.dataset.layouts import LabelledVideo
from dfd.dataset.table import COLUMNS
from dfd.errors import DatasetError
from dfd.files import content_of
from dfd.video.frames import VideoInfo
from dfd.video.pictures import PictureHashes


@dataclass(frozen=True)
class FileFacts:
    """Properties of a video file; from the third on, None where it cannot be opened as a video.

    Attributes:
        sha256: Hash of the content, 64 hexadecimal digits.
        bytes: Size of the file, or of the folder of frames.
        duration: Length in seconds.
        width: Width in square pixels of the upright frame.
        height: Height in square pixels of the upright frame.
        fps: Frames per second, on average.
        phash: Perceptual hash of the first frame; also None where that frame is plain.
        pictures: Hashes of its pictures; also None where nobody has read them.
    """

    sha256: str
    bytes: int
    duration: float | None
    width: int | None
    height: int | None
    fps: float | None
    phash: str | None
    pictures: PictureHashes | None = None


def describe(path: Path, info: VideoInfo | None) -> FileFacts:
    """Return the properties of a video file.

    Args:
        path: The file.
        info: What ``probe`` returned for it; None where it cannot be opened as a video.

    Raises:
        DatasetError: The file cannot be read.

    Example:
        >>> from dfd.video.frames import probe
        >>> video = Path("samples/videos/ajgbsfvojo.mp4")
        >>> facts = describe(video, probe(video))
        >>> facts.duration, facts.width, facts.height
        (1.0, 400, 336)
    """
    try:
        sha256, size = content_of(path)
    except OSError as error:
        raise DatasetError(
            f"{path}: cannot be read ({error.strerror}); check its rights"
        ) from error
    if info is None:  # it stays in the index, and the stage `faces` tells why it is unreadable
        return FileFacts(sha256, size, None, None, None, None, None)
    shape = (info.width, info.height)
    return FileFacts(sha256, size, info.duration, *shape, info.fps, info.phash)


def build_index(
    videos: Sequence[LabelledVideo], facts: Sequence[FileFacts], dataset: str
) -> pd.DataFrame:
    """Build the index of a data set.

    A video belongs to the same group as its source, its donor, all videos of the same person and
    all files of the same content.

    Args:
        videos: The labelled videos, from ``read_layout``.
        facts: Properties of their files, in the same order.
        dataset: Name of the data set.

    Returns:
        One row per video, sorted by id, with the columns of ``COLUMNS``.

    Example:
        >>> from dfd.dataset.layouts import read_layout
        >>> folder = Path("samples/videos")
        >>> videos = read_layout(folder, "dfdc")[:2]
        >>> facts = [describe(video.path, info=None) for video in videos]
        >>> build_index(videos, facts, "sample")[["video", "label", "group"]]
                    video label           group
        0  abhehuqjdy.mp4  FAKE  abhehuqjdy.mp4
        1  ajgbsfvojo.mp4  REAL  ajgbsfvojo.mp4
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
            video.synthetic,
            *(fact.sha256, fact.bytes, fact.duration, fact.width, fact.height, fact.fps),
            fact.phash,
            fact.pictures.frames if fact.pictures else None,
            fact.pictures.faces if fact.pictures else None,
        )
        for video, fact, group in zip(videos, facts, group_videos(ids, links), strict=True)
    ]
    index = pd.DataFrame(rows, columns=COLUMNS).astype({"width": "Int64", "height": "Int64"})
    return index.sort_values("video", ignore_index=True)
