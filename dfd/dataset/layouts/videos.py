"""Finding the video files of a folder, and the record that a layout returns for each."""

from dataclasses import dataclass
from pathlib import Path

from dfd.errors import DatasetError
from dfd.files import readable
from dfd.video import find


@dataclass(frozen=True)
class LabelledVideo:
    """A video as its data set describes it.

    Attributes:
        path: The video file, the still picture or the folder of frames.
        video: The id of the video: its path below the folder of the data set, with ``/`` and the
            extension, so that files of one name in different folders have different ids.
        label: ``REAL`` or ``FAKE``.
        source: For a fake, the id of the pristine video it was made from, or the name of that video
            where it is not in the folder; None where the data set does not state it.
        donor: For a fake, the id or name of the video whose face was put in, or the name of the
            person where the data set states no video; None where it states neither.
        method: The forgery method; None where the data set does not state it.
        person: A name of the person in the video, or of the people among whom the person is. All
            videos with one name become one group. None where the data set does not state it, or
            where persons need not be kept apart.
        part: ``train``, ``validation`` or ``test``; None where the data set has no official split.
        synthetic: Whether the data set states that the people are rendered and no real ones.
    """

    path: Path
    video: str
    label: str
    source: str | None = None
    donor: str | None = None
    method: str | None = None
    person: str | None = None
    part: str | None = None
    synthetic: bool = False


@dataclass(frozen=True)
class Form:
    """How the videos of a data set are kept: as published, or as DeepfakeBench prepares them.

    Its ``preprocess.py`` writes the frames of ``videos/000.mp4`` to ``frames/000/*.png``:
    https://github.com/SCLBD/DeepfakeBench.

    Attributes:
        folder: Name of the folder that holds the videos.
        suffix: What follows a video's name.
    """

    folder: str
    suffix: str


VIDEOS, FRAMES = Form("videos", ".mp4"), Form("frames", "")


def videos_below(folder: Path) -> list[Path]:
    """Return the videos in a folder and its subfolders, sorted; hidden files are left out.

    Raises:
        DatasetError: A file is a link whose target does not exist, or a folder of frames cannot be
            listed.
    """
    try:
        videos = find.videos_below(folder)
    except OSError as error:
        raise DatasetError(
            f"{error.filename}: cannot be listed ({error.strerror}); check its rights"
        ) from error
    for path in videos:
        if not path.exists():
            raise DatasetError(f"{readable(path)}: is a dangling link; mend it or take it away")
    return videos


def list_unlabelled(folder: Path) -> list[tuple[str, Path]]:
    """Return the id and path of every video in a folder without labels, sorted by id.

    Such videos can be scored, but not trained on: for example the 400 clips in ``test_videos`` of
    Kaggle's DFDC.

    Args:
        folder: A folder of videos; its subfolders are read too.

    Raises:
        DatasetError: The folder does not exist, cannot be listed or holds no video.
    """
    entries = count_entries(folder, "name a folder of videos")
    videos = [(video_id(path, folder), path) for path in videos_below(folder)]
    if not videos:
        raise DatasetError(f"{readable(folder)}: no video in it ({entries} entries)")
    return sorted(videos)


def count_entries(folder: Path, remedy: str) -> int:
    """Return the number of files and folders in a folder.

    Args:
        folder: The folder to list.
        remedy: What the user should do where it cannot be listed, for the error message.

    Raises:
        DatasetError: The folder does not exist or cannot be listed.
    """
    try:
        return sum(1 for _ in folder.iterdir())
    except OSError as error:
        raise DatasetError(
            f"{readable(folder)}: cannot be listed ({error.strerror}); {remedy}"
        ) from error


def video_id(path: Path, folder: Path) -> str:
    """Return the id of a video: its path below the folder of the data set, with ``/``."""
    return readable(path.relative_to(folder))
