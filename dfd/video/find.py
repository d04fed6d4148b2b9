"""Finding the videos in a folder: files, still pictures and folders of frames."""

import os
from pathlib import Path

from dfd.video.stills import STILL_SUFFIXES, frame_files

VIDEO_SUFFIXES = (
    frozenset(
        [".3gp", ".avi", ".flv", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts"]
    )
    | {".ts", ".webm", ".wmv"}
    | STILL_SUFFIXES
)


def videos_below(folder: Path) -> list[Path]:
    """Return the videos in a folder and its subfolders, sorted; hidden files are left out.

    Args:
        folder: The folder. Where it is itself a folder of frames, it is the only video.

    Returns:
        Files with an extension of ``VIDEO_SUFFIXES``, among them links to nothing, and folders of
        frames, whose pictures are no videos of their own.

    Raises:
        OSError: A folder of frames cannot be listed.

    Example:
        >>> len(videos_below(Path("samples/videos")))
        216
    """
    found = []
    for place, _, names in os.walk(folder):
        pictures = any(Path(name).suffix.lower() in STILL_SUFFIXES for name in names)
        if pictures and frame_files(Path(place)):
            found.append(Path(place))
            continue
        found += [
            Path(place, name)
            for name in names
            if Path(name).suffix.lower() in VIDEO_SUFFIXES and not name.startswith(".")
        ]
    return sorted(found)
