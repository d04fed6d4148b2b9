"""The packets of a video, listed without decoding: how many frames there are, when, and from where.

Containers lie about their number of frames and some about their times, so both are taken from the
packets themselves.
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

# Demuxers that may be chosen by content: images, text and playlists (which name other files) are
# no videos, yet FFmpeg would open them.
_OPTIONS = {
    "format_whitelist": "mov,matroska,avi,mpegts,mpeg,mpegvideo,m4v,flv,ogg,asf,mxf,dv,gif,ivf,"
    "h264,hevc,obu,yuv4mpegpipe"
}
# Codecs whose pictures may be stored in another order than they are shown.
_REORDERED = ("h264", "hevc")
MAX_PIXELS = 2**26  # twice 8K; a header that promises more is no camera's


@dataclass(frozen=True)
class Packets:
    """The packets of a clip's video in the order of the file; arrays of one length.

    Attributes:
        times: int64, when each frame is shown in units of the time base; None where the container
            does not say, or says the same of two frames.
        keys: bool, whether decoding can start there.
        shown: bool, whether the frame is shown at all (an edit list may cut it off).
        start_s: Seconds at which the first shown frame is, 0 without times.
        duration: Seconds from the first frame shown to the end of the last one.
    """

    times: npt.NDArray[np.int64] | None
    keys: npt.NDArray[np.bool_]
    shown: npt.NDArray[np.bool_]
    start_s: float
    duration: float

    @property
    def frames(self) -> int:
        """Number of frames shown."""
        return int(self.shown.sum())


def list_packets(path: Path) -> Packets:
    """List the packets of a clip's video, decoding nothing.

    Raises:
        VideoError: The file is missing, empty or not a video.
        MemoryError: It needs more memory than there is.
    """
    with opened(path) as (container, stream):
        times: list[int] = []
        clock: list[int] = []
        stamps: list[int] = []
        keys, shown = [], []
        for packet in stored_packets(container, stream):
            keys.append(packet.is_keyframe)
            shown.append(not packet.is_discard)
            if packet.pts is not None:
                times.append(packet.pts)
            if packet.dts is not None:
                clock.append(packet.dts)
            stamp = packet.dts if packet.pts is None else packet.pts
            if stamp is not None and not packet.is_discard:
                stamps.append(stamp)
        exact = (
            any(shown)
            and len(set(times)) == len(shown)
            and clock == sorted(set(clock))  # else its clock starts anew
            and not _invented(times, stream)
        )
        base = stream.time_base or Fraction(0)
        return Packets(
            times=np.array(times, np.int64) if exact else None,
            keys=np.array(keys, bool),
            shown=np.array(shown, bool),
            start_s=float(min(stamps) * base) if exact else 0.0,
            duration=float(_duration(stamps, sum(shown), exact, stream)),
        )


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open the largest video stream that is not cover art, with one decoding thread.

    Raises:
        VideoError: The file is missing, empty or not a video.
    """
    try:
        if not path.stat().st_size:
            raise VideoError(f"{path}: is empty; replace or remove the file")
        # A file object rather than a name: FFmpeg would read `concat:…` or `http:…` as addresses.
        with (
            path.open("rb") as file,
            av.open(file, "r", metadata_errors="replace", options=_OPTIONS) as container,
        ):
            streams = [
                stream
                for stream in container.streams.video
                # There is no codec context where no decoder is known.
                if not stream.disposition & Disposition.attached_pic and stream.codec_context
            ]
            stream = max(streams, key=lambda one: one.width * one.height, default=None)
            if stream is None:
                raise VideoError(
                    f"{path}: holds no video that can be decoded; replace or remove the file"
                )
            if stream.width * stream.height > MAX_PIXELS:
                raise VideoError(
                    f"{path}: promises {stream.width}×{stream.height} pixels, over the "
                    f"{MAX_PIXELS:,} that are taken; replace or remove the file"
                )
            stream.codec_context.thread_count = 1
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
            yield container, stream
    except (av.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(
            f"{path}: cannot be read as a video ({reason}); replace or remove the file"
        ) from error


def stored_packets(
    container: InputContainer, stream: VideoStream
) -> Iterator["av.Packet[VideoStream]"]:
    """Yield the stream's packets up to the end or to where the file breaks off."""
    while True:
        try:
            for packet in container.demux(stream):
                if packet.size:  # the empty last one only flushes the decoder
                    yield packet
        except IndexError:  # PyAV met a packet of a stream that appeared after the header
            continue
        except av.FFmpegError as error:
            if isinstance(error, MemoryError):  # says something of the limit, not of the file
                raise MemoryError(str(error)) from error
        return


def _invented(times: list[int], stream: VideoStream) -> bool:
    """Tell whether FFmpeg made up the times in the order of the file (AVI stores none)."""
    context = stream.codec_context
    return context.name in _REORDERED and context.has_b_frames and times == sorted(times)


def _duration(stamps: list[int], frames: int, exact: bool, stream: VideoStream) -> Fraction:
    """Return seconds from the first frame to the end of the last one, shown as long as the mean."""
    rate = stream.average_rate or stream.guessed_rate
    if rate and not exact:
        return frames / rate
    if len(stamps) > 1 and stream.time_base and max(stamps) > min(stamps):
        span = (max(stamps) - min(stamps)) * stream.time_base
        return span * len(stamps) / (len(stamps) - 1)
    return frames / rate if rate else Fraction(0)
