"""Clips as cameras, phones and editors write them, encoded on the spot."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np

from dfd.arrays import Image

X264 = {"threads": "1", "crf": "20", "preset": "veryfast"}


@dataclass(frozen=True)
class Coding:
    """How a clip is encoded; ``attributes`` are set on the codec context, ``times`` in 1/1000 s."""

    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    times: Sequence[int] | None = None
    rate: int = 25


def moving_images(count: int, width: int = 64, height: int = 48, seed: int = 0) -> list[Image]:
    """Seeded texture that drifts, with a spot that jumps about: motion that predicts partly."""
    rng = np.random.default_rng(seed)
    texture = rng.integers(0, 255, (height // 4 + 1, width // 4 + 1, 3), np.uint8)
    texture = texture.repeat(4, axis=0).repeat(4, axis=1)[:height, :width]
    images = []
    for index in range(count):
        image = np.roll(texture, (index, 2 * index), axis=(0, 1))
        top, left = rng.integers(0, height - 12), rng.integers(0, width - 12)
        image[top : top + 12, left : left + 12] = rng.integers(0, 255, 3)
        images.append(image)
    return images


def write(
    target: Any, images: Sequence[Image | av.VideoFrame], coding: Coding, format: str | None = None
) -> Any:
    """Encode BGR images, or frames in any format, into a path or file object; return it."""
    frames = [_frame(image) for image in images]
    with av.open(target if hasattr(target, "write") else str(target), "w", format=format) as out:
        stream = add_stream(out, frames[0].width, frames[0].height, coding)
        encode(out, stream, frames, coding.times)
    return target


def add_stream(out: Any, width: int, height: int, coding: Coding) -> Any:
    """Add a video stream to an open container and return it."""
    stream = out.add_stream(coding.codec, rate=coding.rate)
    stream.width, stream.height, stream.pix_fmt = width, height, coding.pix_fmt
    stream.options = {**(X264 if coding.codec == "libx264" else {}), **coding.options}
    if coding.times is not None:
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
    for name, value in coding.attributes.items():
        setattr(stream.codec_context, name, value)
    return stream


def encode(
    out: Any,
    stream: Any,
    images: Sequence[Image | av.VideoFrame],
    times: Sequence[int] | None = None,
) -> None:
    """Encode all images of a stream."""
    unit = Fraction(1, 1000) if times is not None else 1 / Fraction(stream.codec_context.rate)
    for number, image in enumerate(images):
        frame = _frame(image)
        frame.pts = number if times is None else times[number]
        frame.time_base = unit
        out.mux(stream.encode(frame))
    out.mux(stream.encode())


def _frame(image: Image | av.VideoFrame) -> av.VideoFrame:
    if isinstance(image, av.VideoFrame):
        return image
    return av.VideoFrame.from_ndarray(image, format="bgr24")


def turn(content: bytes, degrees: int) -> bytes:
    """Set the display matrix of every track of an MP4 or MOV file: so many degrees clockwise."""
    a, b = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    matrix = struct.pack(">9i", *(v * 2**16 for v in (a, b, 0, -b, a, 0, 0, 0)), 2**30)
    patched = bytearray(content)
    header = patched.find(b"tkhd")
    while header >= 0:  # ISO/IEC 14496-12, track header
        patched[header + 44 : header + 80] = matrix
        header = patched.find(b"tkhd", header + 1)
    return bytes(patched)
