"""The videos that the arguments of a command name."""

import glob
from collections.abc import Iterator
from pathlib import Path

from dfd.errors import VideoError
from dfd.files import readable
from dfd.video.find import videos_below
from dfd.words import displayed

_SHOWN = 200  # characters of a name in an error


def find_videos(paths: list[Path]) -> list[Path]:
    """Return the videos that paths stand for, each file once.

    Args:
        paths: Files of any name, folders of videos, folders of frames, and patterns such as
            ``clips/**/*.mp4`` that the shell has not expanded. The order is kept; videos of one
            folder are sorted by name.

    Raises:
        VideoError: A path does not exist, or there is no video at all.
    """
    videos: dict[Path, Path] = {}
    for path in paths:
        try:
            for video in _videos(path):
                videos.setdefault(video.absolute(), video)
        except OSError as error:
            name = displayed(readable(path), _SHOWN)
            problem = f"cannot be looked at ({error.strerror})"
            raise VideoError(f"{name}: {problem}; check the name") from error
    if not videos:
        raise VideoError(f"{readable(paths[0])}: no video in it; name files, or other folders")
    return list(videos.values())


def _videos(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from videos_below(path)
    elif path.exists() or path.is_symlink():
        yield path
    elif matches := sorted(glob.glob(str(path), recursive=True)):
        for match in matches:
            yield from _videos(Path(match))
    else:
        raise VideoError(
            f"{displayed(readable(path), _SHOWN)}: is neither a file nor a folder; check the name"
        )
