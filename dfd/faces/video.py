"""Frames of a video: decoded once, forwards, converting only those that are kept.

Containers lie about their number of frames, so it is counted by reading the packets, which needs no
decoding. One thread decodes: the workers that run beside each other already fill the cores.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Literal

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from dfd.errors import VideoError

# Demuxers that may be chosen by content: images, text and playlists (which name other files) are
# no videos, yet FFmpeg would open them.
_OPTIONS = {
    "format_whitelist": "mov,matroska,avi,mpegts,mpeg,mpegvideo,m4v,flv,ogg,asf,mxf,dv,gif,ivf,"
    "h264,hevc,obu,yuv4mpegpipe"
}


@dataclass(frozen=True)
class Frame:
    """One decoded frame.

    Attributes:
        index: Position among the frames of the clip, from 0.
        time_s: Seconds since the clip's first frame.
        image: uint8 (H, W, 3), BGR, upright.
    """

    index: int
    time_s: float
    image: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class VideoInfo:
    """What a clip holds: ``duration`` in seconds, size in upright pixels, and frames counted."""

    duration: float
    width: int
    height: int
    fps: float
    frames: int


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
    with _opened(path) as (container, stream):
        first: av.VideoFrame | None = None
        stamps = []
        frames = 0
        for packet in chain(_packets(container, stream), [None]):
            if first is None:
                first = next(iter(_decode(stream, packet)), None)
            if packet is None or packet.is_discard:  # decoded, yet never shown
                continue
            frames += 1
            stamp = packet.dts if packet.pts is None else packet.pts
            if stamp is not None:
                stamps.append(stamp)
        if first is None:
            raise VideoError(f"{path}: no frame can be decoded; replace or remove the file")
        sideways = round(first.rotation / 90) % 2 == 1
        width, height = (first.height, first.width) if sideways else (first.width, first.height)
        duration = _duration(stamps, frames, stream)
    fps = float(frames / duration) if duration else 0.0
    return VideoInfo(float(duration), width, height, fps, frames)


def read_frames(path: Path, indices: Sequence[int]) -> Iterator[Frame]:
    """Yield the frames at these ascending indices, in one pass that ends with the last of them.

    What cannot be decoded is left out, so fewer frames than asked for may come.

    Raises:
        VideoError: The file cannot be opened, or none of its frames can be decoded.
    """
    if not indices:
        return
    wanted = set(indices)
    with _opened(path) as (container, stream):
        start: float | None = None
        frames = (
            frame
            for packet in chain(_packets(container, stream), [None])
            for frame in _decode(stream, packet)
        )
        for index, frame in enumerate(frames):
            seconds = _seconds(frame, index, stream)
            start = seconds if start is None else start
            if index in wanted:
                yield Frame(index, seconds - start, _upright(frame))
            if index == indices[-1]:
                break
        if start is None:
            raise VideoError(f"{path}: no frame can be decoded; replace or remove the file")


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open the first video stream that is not cover art, with one decoding thread."""
    try:
        # A file object rather than a name: FFmpeg would read `concat:…` or `http:…` as addresses.
        with (
            path.open("rb") as file,
            av.open(file, "r", metadata_errors="replace", options=_OPTIONS) as container,
        ):
            streams = (
                stream
                for stream in container.streams.video
                if not stream.disposition & Disposition.attached_pic
            )
            stream = next(streams, None)
            if stream is None or stream.codec_context is None:  # None where no decoder is known
                raise VideoError(
                    f"{path}: holds no video that can be decoded; replace or remove the file"
                )
            stream.codec_context.thread_count = 1
            yield container, stream
    except (av.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(
            f"{path}: cannot be read as a video ({reason}); replace or remove the file"
        ) from error


def _packets(container: InputContainer, stream: VideoStream) -> Iterator["av.Packet[VideoStream]"]:
    """Yield the stream's packets up to the end or to where the file breaks off."""
    try:
        for packet in container.demux(stream):
            if packet.size:  # the empty last one only flushes the decoder
                yield packet
    except av.FFmpegError:
        return


def _decode(
    stream: VideoStream, packet: "av.Packet[VideoStream] | None"
) -> Sequence[av.VideoFrame]:
    """Decode one packet, or flush with None; a damaged packet costs only its own frames."""
    try:
        return stream.codec_context.decode(packet)
    except av.FFmpegError:
        return []


def _duration(stamps: list[int], frames: int, stream: VideoStream) -> Fraction:
    """Return seconds from the first frame to the end of the last one, shown as long as the mean."""
    if len(stamps) > 1 and stream.time_base and max(stamps) > min(stamps):
        span = (max(stamps) - min(stamps)) * stream.time_base
        return span * len(stamps) / (len(stamps) - 1)
    rate = stream.average_rate or stream.guessed_rate
    return frames / rate if rate else Fraction(0)


def _seconds(frame: av.VideoFrame, index: int, stream: VideoStream) -> float:
    if frame.pts is not None and stream.time_base:
        return float(frame.pts * stream.time_base)
    rate = stream.average_rate or stream.guessed_rate
    return float(index / rate) if rate else 0.0


def _upright(frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
    """Return the frame as BGR, turned the way its display matrix asks (phones film sideways)."""
    image = frame.to_ndarray(format="bgr24")
    turns = round(frame.rotation / 90) % 4  # counter-clockwise, as np.rot90 counts
    return np.ascontiguousarray(np.rot90(image, turns))
