"""Copies of a clip, changed as people change them before they hand a video on."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from dfd.arrays import Image
from dfd.video.frames import read_frames
from dfd.video.packets import list_packets
from tests.video.clips import Coding, write

RATE = 25

Change = Callable[[list[Image]], list[Image]]


def images_of(path: Path) -> list[Image]:
    """Decode a clip of 25 frames a second."""
    packets = list_packets(path)
    return [frame.image() for frame in read_frames(path, packets, range(packets.frames))]


def plant(path: Path, images: list[Image], change: str, crf: int = 28) -> Path:
    """Encode a changed copy of a clip."""
    changed = [_even(image) for image in CHANGES[change](images)]
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, changed, Coding(options={"crf": str(crf)}, rate=RATE))
    return path


def _even(image: Image) -> Image:
    height, width = (side // 2 * 2 for side in image.shape[:2])
    return np.ascontiguousarray(image[:height, :width])


def _cropped(images: list[Image]) -> list[Image]:
    height, width = images[0].shape[:2]
    top, left = height // 20, width // 20
    return [image[top : height - top, left : width - left] for image in images]


def _captioned(images: list[Image]) -> list[Image]:
    captioned = []
    for original in images:
        image = original.copy()
        height, width = image.shape[:2]
        box = (width // 10, round(0.84 * height)), (width * 9 // 10, round(0.96 * height))
        cv2.rectangle(image, *box, (0, 0, 0), -1)
        where = (width // 8, round(0.93 * height))
        cv2.putText(image, "as seen on the news", where, 0, height / 400, (255, 255, 255), 2)
        captioned.append(image)
    return captioned


def _barred(images: list[Image]) -> list[Image]:
    side = images[0].shape[1] // 6
    return [cv2.copyMakeBorder(each, 0, 0, side, side, cv2.BORDER_CONSTANT) for each in images]  # type: ignore[misc]


CHANGES: dict[str, Change] = {
    "encoded again": lambda images: images,
    "half the size": lambda images: [cv2.resize(each, None, fx=0.5, fy=0.5) for each in images],  # type: ignore[misc]
    "mirrored": lambda images: [each[:, ::-1] for each in images],
    "a second cut off": lambda images: images[RATE:],
    "cropped": _cropped,
    "twice as fast": lambda images: images[::2],
    "first frame black": lambda images: [np.zeros_like(images[0]), *images[1:]],
    "captioned": _captioned,
    "side bars": _barred,
}
