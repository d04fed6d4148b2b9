"""Pictures of one decoded frame, as a viewer sees them: upright, square pixels, one moment, SDR.

What is stored may be turned (phones), anamorphic (DV, broadcast), two fields of different moments
(interlaced) or high dynamic range; only what is asked for is converted, at the size asked for.
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

_EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT  # colours to the last digit


@dataclass(frozen=True)
class Frame:
    """One decoded frame.

    Attributes:
        index: Position among the frames of the clip, from 0.
        time_s: Seconds since the clip's first frame.
        picture: As the decoder gave it.
        pixel_aspect: Width over height of one stored pixel.
    """

    index: int
    time_s: float
    picture: av.VideoFrame
    pixel_aspect: Fraction

    @property
    def width(self) -> int:
        """Pixels across, upright and square."""
        return self._shown[1 if self._turns % 2 else 0]

    @property
    def height(self) -> int:
        """Pixels down, upright and square."""
        return self._shown[0 if self._turns % 2 else 1]

    def image(self, longest: int | None = None) -> Image:
        """Return the frame as uint8 (H, W, 3) BGR, its longer side at most ``longest`` pixels."""
        width, height = self._shown
        scale = min(1.0, longest / max(width, height)) if longest else 1.0
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        how = Interpolation.AREA if scale < 1 else Interpolation.BICUBIC
        return self._turned(_converted(self._field, size, how | _EXACT))

    def square(self, left: int, top: int, side: int, size: int) -> Image:
        """Return a square part of the frame, converted from the stored pixels at once.

        Args:
            left: First column, in upright pixels; the square may leave the frame, not miss it.
            top: First row.
            side: Width and height.
            size: Side of the result.

        Returns:
            uint8 (size, size, 3) BGR; where the square leaves the frame, its border is repeated.
            Chroma planes are coarser than the picture, so it may lie a stored pixel beside what
            was asked for.
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
        """Width and height in square pixels before turning; the finer direction keeps its own."""
        width, height, aspect = self.picture.width, self.picture.height, self.pixel_aspect
        if aspect >= 1:
            return max(1, round(width * aspect)), height
        return width, max(1, round(height / aspect))

    @cached_property
    def _turns(self) -> int:
        """Quarter turns, counter-clockwise, that bring the picture upright."""
        return round(self.picture.rotation / 90) % 4

    @cached_property
    def _field(self) -> av.VideoFrame:
        """The picture itself, or the first of its two fields: half the rows, one moment."""
        if self.picture.interlaced_frame and self.picture.height > 1:
            return _filtered(self.picture, "field", "top")
        return self.picture

    def _turned(self, image: Image) -> Image:
        return np.ascontiguousarray(np.rot90(image, self._turns))


def _part(
    first: int, side: int, shown: int, stored: int, size: int, step: int
) -> tuple[int, int, int, int]:
    """Return, along one axis, which stored pixels a square takes and where they go in its result.

    Args:
        first: Where the square begins, in shown pixels.
        side: Its length in shown pixels.
        shown: Length of the frame in shown pixels.
        stored: Length of the frame in stored pixels.
        size: Length of the result.
        step: Stored pixels that share a chroma sample; the part begins and ends on its multiples.

    Returns:
        First stored pixel, the one after the last, pixels of the result before them, and pixels of
        the result they fill.
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
    """Return how many pixels of an axis (0 across, 1 down) share one sample of chroma."""
    chroma = picture.format.chroma_height(8) if axis else picture.format.chroma_width(8)
    return 8 // chroma if chroma else 1


def _filtered(picture: av.VideoFrame, name: str, options: str) -> av.VideoFrame:
    """Return a view of the picture through a filter that copies no pixels (crop, field)."""
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
    """Return the picture as BGR at ``size`` (width, height)."""
    hdr = picture.color_trc in HDR
    pixels = VideoReformatter().reformat(
        picture,
        width=size[0],
        height=size[1],
        format="rgb48le" if hdr else "bgr24",
        interpolation=how,
        threads=1,  # its default, one a core, costs more than it gains
    )
    if hdr:
        return to_sdr(np.asarray(pixels.to_ndarray(), np.uint16), picture.color_trc)
    return np.asarray(pixels.to_ndarray(), np.uint8)


def _unturned(
    left: int, top: int, side: int, turns: int, width: int, height: int
) -> tuple[int, int]:
    """Return where an upright square begins before ``turns`` counter-clockwise quarter turns.

    ``width`` and ``height`` are those of the frame before turning.
    """
    corners = [
        (left, top),
        (width - top - side, left),
        (width - left - side, height - top - side),
        (top, height - left - side),
    ]
    return corners[turns]
