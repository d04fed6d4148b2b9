"""Frames of a video: one pass forwards that decodes only what the frames asked for need.

From the list of its packets follows what to decode: groups of pictures without a frame asked for
are passed over, and so are H.264 pictures that no other picture refers to. The frames that come are
those that decoding everything would give. One thread decodes: the workers that run beside each
other already fill the cores.
"""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.stream import VideoStream

from dfd.errors import VideoError
from dfd.video.frame import Frame
from dfd.video.packets import Packets, list_packets, opened, stored_packets
from dfd.video.phash import perceptual_hash

# In other codecs a picture marked so may still serve a higher temporal layer.
_MARKS_UNREFERENCED = ("h264",)
_PASS_OVER, _REFERENCE, _DECODE = range(3)


@dataclass(frozen=True)
class VideoInfo:
    """What a clip holds.

    Attributes:
        duration: Seconds.
        width: Upright pixels.
        height: Upright pixels.
        fps: Frames per second, on average.
        frames: Number of frames, counted.
        phash: ``perceptual_hash`` of the first frame, None where that is plain.
    """

    duration: float
    width: int
    height: int
    fps: float
    frames: int
    phash: str | None


def sample_indices(total: int, wanted: int | Literal["all"]) -> list[int]:
    """Return ascending frame indices spread evenly over the whole clip.

    The clip is cut into ``wanted`` equal segments and the centre of each is taken; a clip of fewer
    frames than wanted gives all of them.
    """
    if wanted == "all" or total <= wanted:
        return list(range(total))
    return [(2 * segment + 1) * total // (2 * wanted) for segment in range(wanted)]


def probe(path: Path) -> VideoInfo:
    """Count the frames of a clip and measure it; the first frame is decoded to know that it can be.

    Raises:
        VideoError: The file is missing, empty, not a video, or no frame of it can be decoded.
    """
    packets = list_packets(path)
    with opened(path) as (container, stream):
        pictures = _decoded(container, stream)
        first = next((Frame(0, 0.0, picture, _aspect(stream)) for picture in pictures), None)
        if first is None:
            raise VideoError(f"{path}: no frame can be decoded; replace or remove the file")
    fps = packets.frames / packets.duration if packets.duration else 0.0
    size = (first.width, first.height)
    return VideoInfo(packets.duration, *size, fps, packets.frames, perceptual_hash(first))


def read_frames(path: Path, packets: Packets, indices: Sequence[int]) -> Iterator[Frame]:
    """Yield the frames at these ascending indices; one pass, which ends with the last of them.

    What cannot be decoded is left out, so fewer frames than asked for may come. A second pass,
    over everything that is left, is made only when the first misses a frame: the file is damaged
    or refreshes its pictures little by little instead of by key frames.

    Args:
        path: The clip.
        packets: Its ``list_packets``.
        indices: Positions among its frames.

    Raises:
        VideoError: The file cannot be opened.
    """
    pending = deque(indices)
    if pending and packets.times is not None:
        plan = _plan(packets.times, packets, indices)
        with closing(_pass(path, packets, plan, set(indices))) as frames:
            for frame in frames:
                if frame.index != pending[0] or frame.picture.is_corrupt:
                    break
                yield frame
                pending.popleft()
                if not pending:
                    return
    if pending:
        everything = np.full(len(packets.shown), _DECODE, np.int8)
        with closing(_pass(path, packets, everything, set(pending))) as frames:
            for frame in frames:
                yield frame
                if frame.index == pending[-1]:
                    return


def _plan(
    times: npt.NDArray[np.int64], packets: Packets, indices: Sequence[int]
) -> npt.NDArray[np.int8]:
    """Return for each packet whether it is passed over, decoded for reference, or decoded."""
    shown = np.flatnonzero(packets.shown)
    wanted = shown[np.argsort(times[shown])][list(indices)]
    keys = np.flatnonzero(packets.keys)
    plan = np.full(len(times), _PASS_OVER, np.int8)
    for number in wanted:
        last = int(np.searchsorted(keys, number, side="right")) - 1
        # A picture shown before the key frame that it follows in the file may need the one before.
        while last >= 0 and times[keys[last]] > times[number]:
            last -= 1
        plan[keys[last] if last >= 0 else 0 : number + 1] = _REFERENCE
    plan[wanted] = _DECODE
    return plan


def _pass(
    path: Path, packets: Packets, plan: npt.NDArray[np.int8], wanted: set[int]
) -> Generator[Frame]:
    """Yield the frames wanted out of one pass over the file."""
    index_at: dict[int, int] = {}
    if packets.times is not None:
        ordered = np.sort(packets.times[packets.shown])
        index_at = {int(ordered[index]): index for index in wanted}
    with opened(path) as (container, stream):
        aspect, base = _aspect(stream), stream.time_base or Fraction(0)
        length = packets.duration / packets.frames if packets.frames else 0.0
        for count, picture in enumerate(_decoded(container, stream, plan)):
            if packets.times is None:
                if count in wanted:
                    yield Frame(count, count * length, picture, aspect)
            elif picture.pts in index_at:
                seconds = float(picture.pts * base) - packets.start_s
                yield Frame(index_at[picture.pts], seconds, picture, aspect)


def _decoded(
    container: InputContainer, stream: VideoStream, plan: npt.NDArray[np.int8] | None = None
) -> Iterator[av.VideoFrame]:
    """Yield the pictures that come of decoding what the plan says, or everything."""
    context = stream.codec_context
    skips = plan is not None and context.name in _MARKS_UNREFERENCED
    jumped = False
    for number, packet in enumerate(stored_packets(container, stream)):
        if plan is not None and (number >= len(plan) or plan[number] == _PASS_OVER):
            jumped = True
            continue
        if jumped:
            yield from _decode(stream, None)
            context.flush_buffers()
            jumped = False
        if skips and plan is not None:
            context.skip_frame = "NONREF" if plan[number] == _REFERENCE else "DEFAULT"
        yield from _decode(stream, packet)
    yield from _decode(stream, None)


def _decode(
    stream: VideoStream, packet: "av.Packet[VideoStream] | None"
) -> Sequence[av.VideoFrame]:
    """Decode one packet, or flush with None; a damaged packet costs only its own frames."""
    try:
        return stream.codec_context.decode(packet)
    except av.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise MemoryError(str(error)) from error
        return []


def _aspect(stream: VideoStream) -> Fraction:
    """Return width over height of a stored pixel; 1 where it is not said or makes no sense."""
    aspect = stream.sample_aspect_ratio
    return aspect if aspect and Fraction(1, 10) < aspect < 10 else Fraction(1)
