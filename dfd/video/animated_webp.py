"""Animated WebP, which FFmpeg cannot decode and OpenCV can."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dfd.arrays import Image
from dfd.errors import VideoError

_HEAD = 30  # bytes: the RIFF header and the chunk VP8X
_ANIMATED = 2  # a flag of that chunk


@dataclass(frozen=True)
class Animation:
    """The frames of an animated WebP.

    Attributes:
        images: uint8 (H, W, 3) BGR each; what is transparent is dropped.
        times: When each frame is shown, in seconds from the first.
        duration: Seconds from the first frame to the end of the last.
    """

    images: list[Image]
    times: list[float]
    duration: float


def animated_size(path: Path) -> tuple[int, int] | None:
    """Return width and height in pixels of the frames of an animated WebP, None for any other path.

    That a file cannot be read is for whoever decodes it to say.
    """
    head = b""
    with suppress(OSError), path.open("rb") as file:
        head = file.read(_HEAD)
    if len(head) < _HEAD or head[8:16] != b"WEBPVP8X" or not head[20] & _ANIMATED:
        return None
    width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
    return width, height


def read_animation(path: Path) -> Animation:
    """Decode an animated WebP; all of its frames are in memory at once.

    Raises:
        VideoError: The file is damaged.
        OSError: The file cannot be read.
    """
    decoded, animation = cv2.imdecodeanimation(np.fromfile(path, np.uint8))
    if not decoded or not len(animation.frames):
        raise VideoError(f"{path}: is a damaged WebP; replace or remove the file")
    ends = np.cumsum(animation.durations) / 1000
    images = [np.array(frame[..., :3], np.uint8) for frame in animation.frames]
    return Animation(images, [0.0, *ends[:-1].tolist()], float(ends[-1]))
