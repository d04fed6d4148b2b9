"""The videos that a command's arguments name."""

import glob
from collections.abc import Iterator
from pathlib import Path

from dfd.errors import VideoError
from dfd.files import VIDEO_SUFFIXES, readable
from dfd.words import displayed

_SHOWN = 200  # characters of a name in an error


def find_videos(paths: list[Path]) -> list[Path]:
    """Return files as they are named, and the videos at or below folders, each file once.

    Args:
        paths: Files of any name, folders, and patterns such as ``clips/**/*.mp4`` that no shell has
            filled in. Files stand where they are named, those of a folder sorted.

    Raises:
        VideoError: A path does not exist, or there is no video at all.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        try:
            for video in _videos(path):
                found.setdefault(video.absolute(), video)
        except OSError as error:
            name = displayed(readable(path), _SHOWN)
            problem = f"cannot be looked at ({error.strerror})"
            raise VideoError(f"{name}: {problem}; check the name") from error
    if not found:
        raise VideoError(f"{readable(paths[0])}: no video in it; name files, or other folders")
    return list(found.values())


def _videos(path: Path) -> Iterator[Path]:
    if path.is_dir():
        for below in sorted(path.rglob("*")):
            hidden = below.name.startswith(".")
            if below.suffix.lower() in VIDEO_SUFFIXES and not hidden and not below.is_dir():
                yield below
    elif path.exists() or path.is_symlink():
        yield path
    elif matches := sorted(glob.glob(str(path), recursive=True)):
        for match in matches:
            yield from _videos(Path(match))
    else:
        raise VideoError(
            f"{displayed(readable(path), _SHOWN)}: is neither a file nor a folder; check the name"
        )
