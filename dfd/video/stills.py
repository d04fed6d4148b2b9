"""Still pictures, which are videos of one frame, and folders of numbered frames.

FFmpeg reads JPEG, PNG and WebP as it reads videos, and turns a picture upright as its EXIF data
say. A folder of frames is the form in which some data sets are published.
"""

import re
from pathlib import Path

STILL_SUFFIXES = frozenset([".jpg", ".jpeg", ".png", ".webp"])
STILL_FORMATS = ("jpeg_pipe", "png_pipe", "webp_pipe")
"""The demuxers of FFmpeg that read a file as one picture."""
FOLDER_RATE = 25
"""Frames per second that are assumed of a folder, which states no rate."""

_JPEG = b"\xff\xd8\xff"  # the first bytes of a file
_NUMBERED = re.compile(r"(?P<name>.*?)[0-9]+")


def forced_format(head: bytes) -> str | None:
    """Return the demuxer for a file where FFmpeg must not choose one by itself.

    FFmpeg would read a JPEG file with a demuxer that takes the name of the file for a pattern, as
    in ``face-%03d.jpg``, and opens the files that match it.

    Args:
        head: The first bytes of the file, 3 or more.

    Example:
        >>> forced_format(bytes.fromhex("ffd8ffe000104a46"))
        'jpeg_pipe'
    """
    return "jpeg_pipe" if head.startswith(_JPEG) else None


def frame_files(folder: Path) -> list[Path]:
    """Return the pictures of a folder of frames in the order of their numbers.

    A folder is a video where it holds two pictures or more and no other folder or video, and their
    names differ only in the number at their end: ``000.png``, ``frame-12.jpg``. Other pictures in a
    folder are videos of one frame each. Missing numbers are no fault: data sets keep every tenth
    frame. Hidden files and files of other kinds, such as tables, are left out.

    Args:
        folder: The folder; anything else has no frames.

    Returns:
        The paths; none where the folder is no video.

    Raises:
        OSError: The folder cannot be listed.

    Example:
        >>> frame_files(Path("samples/videos"))
        []
    """
    if not folder.is_dir():
        return []
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    pictures = [entry for entry in entries if entry.suffix.lower() in STILL_SUFFIXES]
    numbered = [_NUMBERED.fullmatch(picture.stem) for picture in pictures]
    names = {match["name"] for match in numbered if match}
    alone = not any(entry.is_dir() for entry in entries)
    if len(pictures) < 2 or not all(numbered) or len(names) > 1 or not alone:
        return []
    (name,) = names
    return sorted(pictures, key=lambda path: (int(path.stem[len(name) :]), path.name))
