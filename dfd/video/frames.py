"""Reading chosen frames of a video in one forward pass that decodes no more than they need.

The list of packets tells what to decode. Groups of pictures (GOPs) without a wanted frame are
skipped, and so are H.264 frames that no other frame refers to. The result is the same as if the
whole video were decoded. Decoding uses one thread, as the workers that run in parallel already fill
the cores.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.stream import VideoStream

from dfd.errors import VideoError
from dfd.video.animated_webp import animated_size, read_animation
from dfd.video.frame import Frame
from dfd.video.packets import Packets, list_packets, listed_frames, opened, stored_packets
from dfd.video.phash import perceptual_hash
from dfd.video.stills import FOLDER_RATE

# Codecs whose "not a reference" mark can be trusted. In other codecs, a frame with that mark may
# still be the reference of a higher temporal layer.
_MARKS_UNREFERENCED = ("h264",)
_SKIP, _REFERENCE, _DECODE = range(3)  # what to do with a packet


@dataclass(frozen=True)
class VideoInfo:
    """Measurements of a video.

    Attributes:
        duration: Length in seconds.
        width: Width in square pixels of the upright frame.
        height: Height in square pixels of the upright frame.
        fps: Frames per second, on average.
        frames: Number of frames, counted rather than taken from the header.
        phash: ``perceptual_hash`` of the first frame; None where that frame is plain.
    """

    duration: float
    width: int
    height: int
    fps: float
    frames: int
    phash: str | None


def sample_indices(total: int, wanted: int | Literal["all"]) -> list[int]:
    """Return frame indices that are spread evenly over a video, in ascending order.

    The video is cut into ``wanted`` equal segments and the centre of each is taken. A video with
    fewer frames than wanted gives all of them.

    Args:
        total: Number of frames of the video.
        wanted: Number of indices, or ``all``.

    Example:
        >>> sample_indices(total=48, wanted=4)
        [6, 18, 30, 42]
    """
    if wanted == "all" or total <= wanted:
        return list(range(total))
    return [(2 * segment + 1) * total // (2 * wanted) for segment in range(wanted)]


def probe(path: Path) -> VideoInfo:
    """Measure a video: count its frames and decode the first one.

    Args:
        path: The video file, the still picture or the folder of frames.

    Raises:
        VideoError: The file is missing, empty or not a video, or no frame of it can be decoded.

    Example:
        >>> info = probe(Path("samples/videos/ajgbsfvojo.mp4"))
        >>> info.duration, info.width, info.height, info.fps, info.frames
        (1.0, 400, 336, 25.0, 25)
    """
    packets = list_packets(path)
    first = next(_all_frames(path), None)
    if first is None:
        raise VideoError(f"{path}: no frame can be decoded; replace or remove the file")
    fps = packets.frames / packets.duration if packets.duration else 0.0
    size = (first.width, first.height)
    return VideoInfo(packets.duration, *size, fps, packets.frames, perceptual_hash(first))


def read_frames(
    path: Path,
    packets: Packets,
    indices: Sequence[int],
    admit: Callable[[Packets], None] = lambda packets: None,
) -> Iterator[Frame]:
    """Yield chosen frames of a video, decoded in one pass that ends with the last of them.

    Frames that cannot be decoded are left out, so fewer frames than wanted may be yielded. When the
    first pass misses a frame, a second one decodes the whole file for the remaining frames: then
    the file is damaged, or refreshes its pictures gradually instead of by key frames.

    Args:
        path: The video file, the still picture or the folder of frames.
        packets: Its packets, from ``list_packets``.
        indices: Ascending positions among its shown frames, from 0.
        admit: Callback for frames that are larger than the header promised, whether or not they
            are wanted: it is called with ``packets`` and the pixels of the frame in it. An
            exception that it raises reaches the caller, and no later frame is decoded.

    Raises:
        VideoError: The file cannot be opened.

    Example:
        >>> video = Path("samples/videos/ajgbsfvojo.mp4")
        >>> for frame in read_frames(video, list_packets(video), [0, 20]):
        ...     print(frame.index, frame.time_s, frame.image().shape)
        0 0.0 (336, 400, 3)
        20 0.8 (336, 400, 3)
    """
    if path.is_dir():
        yield from _folder_frames(path, packets, indices, admit)
        return
    if animated_size(path):
        wanted = set(indices)
        yield from (frame for frame in _animation_frames(path) if frame.index in wanted)
        return
    pending = deque(indices)
    if pending and packets.times is not None:
        plan = _plan(packets.times, packets, indices)
        with closing(_pass(path, packets, plan, set(indices), admit)) as frames:
            for frame in frames:
                if frame.index != pending[0] or frame.picture.is_corrupt:
                    break
                yield frame
                pending.popleft()
                if not pending:
                    return
    if pending:
        everything = np.full(len(packets.shown), _DECODE, np.int8)
        with closing(_pass(path, packets, everything, set(pending), admit)) as frames:
            for frame in frames:
                yield frame
                if frame.index == pending[-1]:
                    return


def _all_frames(path: Path) -> Generator[Frame]:
    """Yield the frames of a file or of a folder, as far as they can be decoded, with no times."""
    if animated_size(path):
        yield from _animation_frames(path)
        return
    for file in listed_frames(path) if path.is_dir() else [path]:
        with opened(file) as (container, stream):
            for picture in _decoded(container, stream):
                yield Frame(0, 0.0, picture, _aspect(stream))


def _animation_frames(path: Path) -> Iterator[Frame]:
    """Yield the frames of an animated WebP."""
    animation = read_animation(path)
    for index, (image, time) in enumerate(zip(animation.images, animation.times, strict=True)):
        picture = av.VideoFrame.from_ndarray(image, format="bgr24")
        yield Frame(index, time, picture, Fraction(1))


def _folder_frames(
    folder: Path, packets: Packets, indices: Sequence[int], admit: Callable[[Packets], None]
) -> Iterator[Frame]:
    """Yield the wanted pictures of a folder, but for those that cannot be decoded."""
    files = listed_frames(folder)
    for index in indices:
        with suppress(VideoError):
            if frame := next(_all_frames(files[index]), None):
                if (pixels := frame.picture.width * frame.picture.height) > packets.pixels:
                    admit(replace(packets, pixels=pixels))
                yield replace(frame, index=index, time_s=index / FOLDER_RATE)


def _plan(
    times: npt.NDArray[np.int64], packets: Packets, indices: Sequence[int]
) -> npt.NDArray[np.int8]:
    """Return what to do with each packet: _SKIP, _REFERENCE or _DECODE, int8 (N,)."""
    shown = np.flatnonzero(packets.shown)
    wanted = shown[np.argsort(times[shown])][list(indices)]
    keys = np.flatnonzero(packets.keys)
    plan = np.full(len(times), _SKIP, np.int8)
    for number in wanted:
        last = int(np.searchsorted(keys, number, side="right")) - 1
        # A frame stored after a key frame but shown before it may refer to the previous GOP.
        while last >= 0 and times[keys[last]] > times[number]:
            last -= 1
        plan[keys[last] if last >= 0 else 0 : number + 1] = _REFERENCE
    plan[wanted] = _DECODE
    return plan


def _pass(
    path: Path,
    packets: Packets,
    plan: npt.NDArray[np.int8],
    wanted: set[int],
    admit: Callable[[Packets], None],
) -> Generator[Frame]:
    """Yield the wanted frames in one pass over the file that follows the plan."""
    index_at: dict[int, int] = {}
    if packets.times is not None:
        ordered = np.sort(packets.times[packets.shown])
        index_at = {int(ordered[index]): index for index in wanted}
    with opened(path) as (container, stream):
        aspect, base = _aspect(stream), stream.time_base or Fraction(0)
        length = packets.duration / packets.frames if packets.frames else 0.0
        for count, picture in enumerate(_decoded(container, stream, plan)):
            if (pixels := picture.width * picture.height) > packets.pixels:
                admit(replace(packets, pixels=pixels))
            if packets.times is None:
                if count in wanted:
                    yield Frame(count, count * length, picture, aspect)
            elif picture.pts in index_at:
                seconds = float(picture.pts * base) - packets.start_s
                yield Frame(index_at[picture.pts], seconds, picture, aspect)


def _decoded(
    container: InputContainer, stream: VideoStream, plan: npt.NDArray[np.int8] | None = None
) -> Iterator[av.VideoFrame]:
    """Yield the pictures of all packets, or of those that the plan does not skip."""
    context = stream.codec_context
    skips = plan is not None and context.name in _MARKS_UNREFERENCED
    jumped = False
    for number, packet in enumerate(stored_packets(container, stream)):
        if plan is not None and (number >= len(plan) or plan[number] == _SKIP):
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
    """Decode one packet, or with None flush the decoder.

    A damaged packet loses only its own frames; the caller continues with the next one.
    """
    try:
        return stream.codec_context.decode(packet)
    except av.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise MemoryError(str(error)) from error
        return []


def _aspect(stream: VideoStream) -> Fraction:
    """Return width over height of a stored pixel; 1 where the file states none or a wrong one."""
    aspect = stream.sample_aspect_ratio
    return aspect if aspect and Fraction(1, 10) < aspect < 10 else Fraction(1)
