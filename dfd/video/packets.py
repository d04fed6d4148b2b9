"""The packets of a video, listed without decoding: its number of frames, their times, key frames.

A still picture is a video of one packet, and so is each picture in a folder of frames. The header
of a container may state a wrong number of frames or wrong times, so both are taken from the packets
themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from dfd.errors import VideoError
from dfd.video.animated_webp import animated_size, read_animation
from dfd.video.stills import FOLDER_RATE, STILL_FORMATS, forced_format, frame_files

# FFmpeg chooses a demuxer by the content of the file. Text and playlists, which name other files,
# are not videos, but without this list FFmpeg would open them.
_OPTIONS = {
    "format_whitelist": "mov,matroska,avi,mpegts,mpeg,mpegvideo,m4v,flv,ogg,asf,mxf,dv,gif,ivf,"
    "h264,hevc,obu,yuv4mpegpipe,apng," + ",".join(STILL_FORMATS)
}
# Codecs that may store frames in another order than they are shown.
_REORDERED = ("h264", "hevc")
MAX_PIXELS = 2**26  # twice 8K: no camera makes larger frames, but a hostile header may
MAX_PACKETS = 2_000_000  # 18 hours at 30 frames a second; a file of 5 MB can hold as many


@dataclass(frozen=True)
class Packets:
    """The N packets of a video stream, in the order of the file; each holds one frame.

    Attributes:
        times: int64 (N,), when each frame is shown, in units of the stream's time base; None where
            the container states no times, or one time for two frames.
        keys: bool (N,), whether the packet holds a key frame, where decoding can start.
        shown: bool (N,), whether the frame is shown; an edit list may cut frames off.
        start_s: Time of the first shown frame in seconds; 0 where ``times`` is None.
        duration: Seconds from the first shown frame to the end of the last one; 0 for a still.
        pixels: Pixels of a stored frame, as the header states them; a frame may have more.
    """

    times: npt.NDArray[np.int64] | None
    keys: npt.NDArray[np.bool_]
    shown: npt.NDArray[np.bool_]
    start_s: float
    duration: float
    pixels: int

    @property
    def frames(self) -> int:
        """Number of frames that are shown."""
        return int(self.shown.sum())


def list_packets(path: Path) -> Packets:
    """List the packets of a video without decoding them.

    Args:
        path: The video file, the still picture or the folder of frames.

    Raises:
        VideoError: The file is missing, empty or not a video, its frames have more than
            ``MAX_PIXELS``, or it has more than ``MAX_PACKETS``.
        MemoryError: Reading the file needs more memory than there is.

    Example:
        >>> packets = list_packets(Path("samples/videos/ajgbsfvojo.mp4"))
        >>> packets.frames, packets.duration
        (25, 1.0)
    """
    if path.is_dir():
        return _folder_packets(path)
    if animated := _animated_packets(path):
        return animated
    with opened(path) as (container, stream):
        times: list[int] = []  # of presentation
        decoding: list[int] = []  # times of decoding
        shown_times: list[int] = []  # of shown frames; the time of decoding where no other is known
        keys, shown = [], []
        for packet in stored_packets(container, stream):
            keys.append(packet.is_keyframe)
            shown.append(not packet.is_discard)
            if packet.pts is not None:
                times.append(packet.pts)
            if packet.dts is not None:
                decoding.append(packet.dts)
            time = packet.dts if packet.pts is None else packet.pts
            if time is not None and not packet.is_discard:
                shown_times.append(time)
        exact = (
            any(shown)
            and len(set(times)) == len(shown)
            and decoding == sorted(set(decoding))  # else the clock restarts within the file
            and not _invented(times, stream)
        )
        base = stream.time_base or Fraction(0)
        still = container.format.name in STILL_FORMATS
        return Packets(
            times=np.array(times, np.int64) if exact else None,
            keys=np.array(keys, bool),
            shown=np.array(shown, bool),
            start_s=float(min(shown_times) * base) if exact else 0.0,
            duration=0.0 if still else float(_duration(shown_times, sum(shown), exact, stream)),
            pixels=stream.width * stream.height,
        )


def listed_frames(folder: Path) -> list[Path]:
    """Return the pictures of a folder of frames in their order.

    Raises:
        VideoError: The folder cannot be listed, is no folder of frames or holds over
            ``MAX_PACKETS``.
    """
    try:
        files = frame_files(folder)
    except OSError as error:
        raise VideoError(f"{folder}: cannot be listed ({error.strerror}); check its rights") from (
            error
        )
    if not files:
        raise VideoError(
            f"{folder}: is no folder of frames (pictures whose names differ in their numbers); "
            "name a file"
        )
    if len(files) > MAX_PACKETS:
        raise VideoError(f"{folder}: holds over {MAX_PACKETS:,} frames; cut it into shorter ones")
    return files


def _folder_packets(folder: Path) -> Packets:
    files = listed_frames(folder)
    with opened(files[0]) as (_, stream):
        pixels = stream.width * stream.height
    every = np.ones(len(files), bool)
    return Packets(None, every, every, 0.0, len(files) / FOLDER_RATE, pixels)


def _animated_packets(path: Path) -> Packets | None:
    """Return the frames of an animated WebP as packets, or None for any other file."""
    try:
        size = animated_size(path)
        if size is None:
            return None
        _check_size(path, *size)
        animation = read_animation(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    every = np.ones(len(animation.images), bool)
    return Packets(None, every, every, 0.0, animation.duration, size[0] * size[1])


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise VideoError(
            f"{path}: promises {width}×{height} pixels, over the {MAX_PIXELS:,} that are taken; "
            "replace or remove the file"
        )


def _unreadable(path: Path, error: av.FFmpegError | OSError) -> VideoError:
    reason = getattr(error, "strerror", None) or str(error)
    return VideoError(f"{path}: cannot be read as a video ({reason}); replace or remove the file")


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file with its largest video stream that is not cover art, and one decoding thread.

    Args:
        path: The video file or the still picture.

    Yields:
        The container and the stream.

    Raises:
        VideoError: The file is missing, empty or not a video.
    """
    try:
        if not path.stat().st_size:
            raise VideoError(f"{path}: is empty; replace or remove the file")
        # A file object, as FFmpeg would take a name like `concat:…` or `http:…` for a protocol.
        with (
            path.open("rb") as file,
            av.open(
                file,
                "r",
                format=forced_format(file.peek(8)),
                metadata_errors="replace",
                options=_OPTIONS,
            ) as container,
        ):
            streams = [
                stream
                for stream in container.streams.video
                # Streams of an unknown codec have no codec context.
                if not stream.disposition & Disposition.attached_pic and stream.codec_context
            ]
            stream = max(streams, key=lambda stream: stream.width * stream.height, default=None)
            if stream is None:
                raise VideoError(
                    f"{path}: holds no video that can be decoded; replace or remove the file"
                )
            _check_size(path, stream.width, stream.height)
            stream.codec_context.thread_count = 1
            options = {"max_pixels": str(MAX_PIXELS)}
            if container.format.name in STILL_FORMATS:
                options["err_detect"] = "explode"  # else a truncated picture ends in grey
            stream.codec_context.options = options
            yield container, stream
    except (av.FFmpegError, OSError) as error:
        raise _unreadable(path, error) from error


def stored_packets(
    container: InputContainer, stream: VideoStream
) -> Iterator["av.Packet[VideoStream]"]:
    """Yield the packets of a stream up to its end, or to the point where a truncated file ends.

    Raises:
        VideoError: There are more than ``MAX_PACKETS``.
        MemoryError: Reading the file needs more memory than there is.
    """
    for number, packet in enumerate(_demuxed(container, stream)):
        if number == MAX_PACKETS:
            raise VideoError(
                f"{container.name}: holds over {MAX_PACKETS:,} frames; cut it into shorter files"
            )
        if packet is not None and packet.size:  # the last one is empty and flushes the decoder
            yield packet


def _demuxed(
    container: InputContainer, stream: VideoStream
) -> Iterator["av.Packet[VideoStream] | None"]:
    """Yield the packets of a stream, and None for each of a stream that the header does not list.

    PyAV raises IndexError for the latter.
    """
    while True:
        try:
            yield from container.demux(stream)
        except IndexError:
            yield None
            continue
        except av.FFmpegError as error:
            if isinstance(error, MemoryError):  # the fault of the memory limit, not of the file
                raise MemoryError(str(error)) from error
        return


def _invented(times: list[int], stream: VideoStream) -> bool:
    """Tell whether FFmpeg made the times up from the order of the file, as it does for AVI.

    Such times ascend, although a codec with B-frames stores frames in another order.
    """
    context = stream.codec_context
    return context.name in _REORDERED and context.has_b_frames and times == sorted(times)


def _duration(times: list[int], frames: int, exact: bool, stream: VideoStream) -> Fraction:
    """Return the seconds from the first shown frame to the end of the last one.

    The last frame is taken to be shown for as long as the average frame.
    """
    rate = stream.average_rate or stream.guessed_rate
    if rate and not exact:
        return frames / rate
    if len(times) > 1 and stream.time_base and max(times) > min(times):
        span = (max(times) - min(times)) * stream.time_base
        return span * len(times) / (len(times) - 1)
    return frames / rate if rate else Fraction(0)
