"""Files whose headers promise what is not there."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.video.clips import Coding, moving_images, write


def clip_with(path: Path, coding: Coding, change: Callable[[bytearray], object]) -> Path:
    write(path, moving_images(20), coding)
    content = bytearray(path.read_bytes())
    before = bytes(content)
    change(content)
    assert content != before
    path.write_bytes(content)
    return path


def replace_all(old: bytes, new: bytes) -> Callable[[bytearray], None]:
    def change(content: bytearray) -> None:
        content[:] = content.replace(old, new)

    return change


def in_avi(content: bytearray, side: int) -> None:
    replace_all(struct.pack("<ii", 64, 48), struct.pack("<ii", side, side))(content)


def in_png(content: bytearray, side: int) -> None:
    in_avi(content, side)
    at = content.find(b"IHDR")
    while at >= 0:
        content[at + 4 : at + 12] = struct.pack(">II", side, side)
        content[at + 17 : at + 21] = struct.pack(">I", zlib.crc32(content[at : at + 17]))
        at = content.find(b"IHDR", at + 1)


def in_prores(content: bytearray, side: int) -> None:
    entry = content.index(b"apc", content.index(b"stsd"))
    content[entry + 28 : entry + 32] = struct.pack(">HH", side, side)
    at = content.find(b"icpf")
    while at >= 0:
        content[at + 12 : at + 16] = struct.pack(">HH", side, side)
        at = content.find(b"icpf", at + 1)


def in_gif(content: bytearray, side: int) -> None:
    content[6:10] = struct.pack("<HH", side, side)


SIZED = {
    "raw.avi": (Coding("rawvideo", "yuyv422"), in_avi),
    "ffv1.avi": (Coding("ffv1"), in_avi),
    "png.avi": (Coding("png", "rgb24"), in_png),
    "prores.mov": (Coding("prores_ks", "yuv422p10le"), in_prores),
    "clip.gif": (Coding("gif", "rgb8"), in_gif),
}


def sized(path: Path, side: int) -> Path:
    coding, promise = SIZED[path.name]
    return clip_with(path, coding, lambda content: promise(content, side))


def in_box(name: bytes, *changes: tuple[int, int]) -> Callable[[bytearray], None]:
    """Write 32-bit numbers at places counted from the name of an MP4 box."""

    def change(content: bytearray) -> None:
        for place, value in changes:
            at = content.index(name) + place
            content[at : at + 4] = struct.pack(">I", value)

    return change


MILLION = 10**6


COUNTS = {
    "sizes": in_box(b"stsz", (12, MILLION)),
    "as many sizes as can be said": in_box(b"stsz", (12, 2**32 - 1)),
    "one size for all": in_box(b"stsz", (8, 1), (12, MILLION)),
    "runs of durations": in_box(b"stts", (8, MILLION)),
    "as many runs as can be said": in_box(b"stts", (8, 2**32 - 1)),
    "offsets of display": in_box(b"ctts", (8, 2**28)),
    "chunks": in_box(b"stsc", (8, MILLION)),
}


def many_samples(path: Path, count: int) -> Path:
    """Write an MP4 file with so many samples of one byte each."""

    def change(content: bytearray) -> None:
        for box, changes in {
            b"stsz": ((8, 1), (12, count)),
            b"stts": ((8, 1), (12, count)),
            b"stsc": ((8, 1), (16, count)),
            b"stco": ((8, 1), (12, len(content) + 8)),
        }.items():
            in_box(box, *changes)(content)
        content += struct.pack(">I4s", count + 8, b"mdat") + bytes(count)

    return clip_with(path, Coding(options={"bf": "0"}), change)


def grown(path: Path, side: int) -> Path:
    """Write a stream of frames of 64×48 pixels, and then four that are ``side`` wide and high."""
    small = write(path, moving_images(10), Coding()).read_bytes()
    plain = np.zeros((side, side, 3), np.uint8)
    large = Coding(options={"preset": "ultrafast"}, times=range(400, 560, 40))
    path.write_bytes(small + write(path, [plain] * 4, large).read_bytes())
    return path
