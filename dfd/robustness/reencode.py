"""Encoding a video again as H.264, as a platform does with uploaded videos."""

from fractions import Fraction
from pathlib import Path

import av

from dfd.errors import VideoError
from dfd.video.frames import read_frames
from dfd.video.packets import list_packets

# One thread and no AVX-512: the AVX-512 code was seen to encode the same frames differently each
# time. The preset is the default of x264, so that a CRF loses as much as in FaceForensics++.
_X264 = {"preset": "medium", "threads": "1", "x264-params": "asm=avx2"}


def reencode(source: Path, target: Path, crf: float) -> None:
    """Encode a video again as H.264 in an MP4 file.

    The new video is upright, has no sound and a constant frame rate.

    Args:
        source: The video.
        target: The file to write; an existing file is replaced.
        crf: Constant rate factor of x264, 0..51; higher loses more. FaceForensics++ publishes its
            videos at 23 and 40 (Rössler et al., ICCV 2019, https://arxiv.org/abs/1901.08971).

    Raises:
        VideoError: The source cannot be read, or x264 does not accept its frames.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from dfd.robustness.reencode import reencode
        >>> source = sorted(Path("samples/videos").glob("*.mp4"))[0]
        >>> with TemporaryDirectory() as folder:
        ...     target = Path(folder) / "again.mp4"
        ...     reencode(source, target, crf=40)
        ...     target.stat().st_size < source.stat().st_size / 2
        True
    """
    packets = list_packets(source)
    rate = Fraction(25)
    if packets.duration:
        rate = Fraction(packets.frames / packets.duration).limit_denominator(1001)
    try:
        with av.open(str(target), "w", format="mp4") as out:
            stream = out.add_stream("libx264", rate=rate)
            stream.pix_fmt = "yuv420p"
            stream.options = {**_X264, "crf": f"{crf:g}"}
            for frame in read_frames(source, packets, range(packets.frames)):
                image = frame.image()
                if not stream.codec_context.is_open:
                    # Colour is stored for 2×2 pixels, so sides must be even.
                    stream.width, stream.height = frame.width // 2 * 2, frame.height // 2 * 2
                picture = av.VideoFrame.from_ndarray(
                    image[: stream.height, : stream.width], format="bgr24"
                )
                picture.pts, picture.time_base = frame.index, 1 / rate
                out.mux(stream.encode(picture))
            out.mux(stream.encode())
    except av.FFmpegError as error:
        if isinstance(error, MemoryError):  # the memory limit was reached; the video may be fine
            raise MemoryError(str(error)) from error
        raise VideoError(f"{source}: cannot be encoded again ({error})") from error
