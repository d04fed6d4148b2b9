"""Finding the video files of a folder."""

from pathlib import Path

from dfd.errors import DatasetError
from dfd.files import VIDEO_SUFFIXES, readable


def videos_below(folder: Path) -> list[Path]:
    """Return the video files at or below ``folder``, sorted; hidden ones are passed over.

    Raises:
        DatasetError: One is a link to nothing.
    """
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in VIDEO_SUFFIXES or path.name.startswith(".") or path.is_dir():
            continue
        if not path.is_file():
            raise DatasetError(f"{readable(path)}: is a dangling link; mend it or take it away")
        found.append(path)
    return found


def list_unlabelled(folder: Path) -> list[tuple[str, Path]]:
    """Return id and path of every video at or below a folder without labels, sorted by id.

    Made for clips to be scored, such as the 400 of ``test_videos`` in Kaggle's DFDC.

    Raises:
        DatasetError: The folder does not exist, cannot be listed or holds no video.
    """
    entries = count_entries(folder, "name a folder of videos")
    found = [(readable(path.relative_to(folder)), path) for path in videos_below(folder)]
    if not found:
        raise DatasetError(f"{readable(folder)}: no video in it ({entries} entries)")
    return sorted(found)


def count_entries(folder: Path, remedy: str) -> int:
    """Return the number of files and folders in ``folder``; ``remedy`` says what to do otherwise.

    Raises:
        DatasetError: It does not exist or cannot be listed.
    """
    try:
        return sum(1 for _ in folder.iterdir())
    except OSError as error:
        raise DatasetError(
            f"{readable(folder)}: cannot be listed ({error.strerror}); {remedy}"
        ) from error


def video_id(path: Path, folder: Path) -> str:
    """Return the id of a file in the data set's folder."""
    return readable(path.relative_to(folder))
