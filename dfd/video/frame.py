"""A decoded frame, and images of it as a viewer sees it: upright, with square pixels, in SDR.

The stored picture may be rotated (phones), anamorphic (DV, broadcast), made of two fields from
different moments (interlaced), or high dynamic range. An image is converted on demand, only the
part and only at the size that the caller asks for.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from dfd.arrays import Image
from dfd.video.hdr import HDR, to_sdr

_EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT  # no rough colours


@dataclass(frozen=True)
class Frame:
    """One decoded frame of a video.

    Attributes:
        index: Position among the shown frames of the video, from 0.
        time_s: Seconds since the first frame of the video.
        picture: The picture as the decoder returned it.
        pixel_aspect: Width over height of a stored pixel.
    """

    index: int
    time_s: float
    picture: av.VideoFrame
    pixel_aspect: Fraction

    @property
    def width(self) -> int:
        """Width in square pixels of the upright frame."""
        return self._shown[1 if self._turns % 2 else 0]

    @property
    def height(self) -> int:
        """Height in square pixels of the upright frame."""
        return self._shown[0 if self._turns % 2 else 1]

    def image(self, longest: int | None = None) -> Image:
        """Return the whole frame, upright.

        Args:
            longest: Greatest length in pixels of the longer side; a larger frame is shrunk to it,
                a smaller one is not enlarged. None keeps the size.

        Returns:
            uint8 (H, W, 3) BGR.

        Example:
            >>> from pathlib import Path
            >>> from dfd.video.frames import read_frames
            >>> from dfd.video.packets import list_packets
            >>> video = Path("samples/videos/ajgbsfvojo.mp4")
            >>> (frame,) = read_frames(video, list_packets(video), [20])
            >>> frame.image().shape, frame.image(longest=240).shape
            ((336, 400, 3), (202, 240, 3))
        """
        width, height = self._shown
        scale = min(1.0, longest / max(width, height)) if longest else 1.0
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        how = Interpolation.AREA if scale < 1 else Interpolation.BICUBIC
        return self._turned(_converted(self._field, size, how | _EXACT))

    def square(self, left: int, top: int, side: int, size: int) -> Image:
        """Return a square part of the frame, upright, scaled from the stored pixels in one step.

        Args:
            left: First column in pixels of the upright frame. The square may reach beyond the
                frame, but must overlap it.
            top: First row in pixels of the upright frame.
            side: Width and height of the square in pixels of the upright frame.
            size: Side of the result in pixels.

        Returns:
            uint8 (size, size, 3) BGR. Beyond the border of the frame, its outermost pixels are
            repeated. The square is moved by up to one stored pixel where the chroma planes, which
            are coarser than the luma, make that necessary.
        """
        width, height = self._shown
        x, y = _unturned(left, top, side, self._turns, width, height)
        stored = self._field
        x1, x2, before_x, across = _part(x, side, width, stored.width, size, _step(stored, 0))
        y1, y2, before_y, down = _part(y, side, height, stored.height, size, _step(stored, 1))
        part = _filtered(stored, "crop", f"{x2 - x1}:{y2 - y1}:{x1}:{y1}:exact=1")
        how = Interpolation.AREA if side > size else Interpolation.BICUBIC
        image = _converted(part, (across, down), how | _EXACT)
        outside = (before_y, size - down - before_y, before_x, size - across - before_x)
        if any(outside):
            padded = cv2.copyMakeBorder(image, *outside, cv2.BORDER_REPLICATE)
            image = np.asarray(padded, np.uint8)
        return self._turned(image)

    @cached_property
    def _shown(self) -> tuple[int, int]:
        """Width and height in square pixels before rotation.

        The direction in which pixels are finer keeps its number of pixels, so no detail is lost.
        """
        width, height, aspect = self.picture.width, self.picture.height, self.pixel_aspect
        if aspect >= 1:
            return max(1, round(width * aspect)), height
        return width, max(1, round(height / aspect))

    @cached_property
    def _turns(self) -> int:
        """Number of counter-clockwise quarter turns that bring the picture upright."""
        return round(self.picture.rotation / 90) % 4

    @cached_property
    def _field(self) -> av.VideoFrame:
        """The picture, or where it is interlaced its first field: half of the rows, one moment."""
        if self.picture.interlaced_frame and self.picture.height > 1:
            return _filtered(self.picture, "field", "top")
        return self.picture

    def _turned(self, image: Image) -> Image:
        return np.ascontiguousarray(np.rot90(image, self._turns))


def _part(
    first: int, side: int, shown: int, stored: int, size: int, step: int
) -> tuple[int, int, int, int]:
    """Return, along one axis, which stored pixels a square covers and where they lie in the result.

    Args:
        first: Where the square begins, in square pixels.
        side: Length of the square in square pixels.
        shown: Length of the frame in square pixels.
        stored: Length of the frame in stored pixels.
        size: Length of the result in pixels.
        step: Number of stored pixels that share one chroma sample; the covered part begins and ends
            at multiples of it.

    Returns:
        The first covered stored pixel, the pixel after the last one, the number of pixels of the
        result before the covered part, and the number of pixels of the result that it fills.
    """
    ratio = stored / shown
    inside = (min(max(first, 0), shown - 1), max(min(first + side, shown), 1))
    start = min(round(inside[0] * ratio / step) * step, (stored - 1) // step * step)
    end = min(max(round(inside[1] * ratio / step), start // step + 1) * step, stored)
    if inside[1] >= shown:
        end = stored
    before = min(round(max(0, -first) * size / side), size - 1)
    after = min(round(max(0, first + side - shown) * size / side), size - 1 - before)
    return start, end, before, size - before - after


def _step(picture: av.VideoFrame, axis: int) -> int:
    """Return how many stored pixels share one chroma sample along an axis (0 across, 1 down)."""
    chroma = picture.format.chroma_height(8) if axis else picture.format.chroma_width(8)
    return 8 // chroma if chroma else 1


def _filtered(picture: av.VideoFrame, name: str, options: str) -> av.VideoFrame:
    """Apply an FFmpeg filter that copies no pixels (``crop``, ``field``) to the picture."""
    graph = av.filter.Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=picture.width,
        height=picture.height,
        format=picture.format,
        time_base=picture.time_base or Fraction(1, 1000),
    )
    graph.link_nodes(source, graph.add(name, options), graph.add("buffersink")).configure()
    graph.push(picture)
    view = graph.pull()
    assert isinstance(view, av.VideoFrame)
    view.colorspace, view.color_range = picture.colorspace, picture.color_range
    view.color_trc, view.color_primaries = picture.color_trc, picture.color_primaries
    return view


def _converted(picture: av.VideoFrame, size: tuple[int, int], how: Interpolation) -> Image:
    """Return the picture as uint8 BGR at ``size`` (width, height), converted to SDR from HDR."""
    hdr = picture.color_trc in HDR
    pixels = VideoReformatter().reformat(
        picture,
        width=size[0],
        height=size[1],
        format="rgb48le" if hdr else "bgr24",
        interpolation=how,
        threads=1,  # the default, one thread per core, is slower at this size
    )
    if hdr:
        return to_sdr(np.asarray(pixels.to_ndarray(), np.uint16), picture.color_trc)
    return np.asarray(pixels.to_ndarray(), np.uint8)


def _unturned(
    left: int, top: int, side: int, turns: int, width: int, height: int
) -> tuple[int, int]:
    """Return the left and top of a square before rotation, from those in the upright frame.

    Args:
        left: First column of the square in the upright frame.
        top: First row of the square in the upright frame.
        side: Side of the square.
        turns: Number of counter-clockwise quarter turns that bring the frame upright.
        width: Width of the frame before rotation.
        height: Height of the frame before rotation.
    """
    corners = [
        (left, top),
        (width - top - side, left),
        (width - left - side, height - top - side),
        (top, height - left - side),
    ]
    return corners[turns]
