"""A video encoded again, as a platform does with what is uploaded."""

from fractions import Fraction
from pathlib import Path

import av

from dfd.errors import VideoError
from dfd.video.frames import read_frames
from dfd.video.packets import list_packets

# One thread and no AVX-512, whose code was seen to encode the same frames differently each time.
# The preset is x264's own, so that a CRF means what it does in FaceForensics++ (c23, c40).
_X264 = {"preset": "medium", "threads": "1", "x264-params": "asm=avx2"}


def reencode(source: Path, target: Path, crf: float) -> None:
    """Encode a video anew as H.264 in an MP4 file, upright, without sound, at a steady frame rate.

    Args:
        source: The video.
        target: Where to write; replaced.
        crf: x264's constant rate factor, 0..51; higher loses more. FaceForensics++ publishes its
            videos at 23 and 40 (Rössler et al., ICCV 2019, https://arxiv.org/abs/1901.08971).

    Raises:
        VideoError: The source cannot be read, or x264 does not take its frames.
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
        if isinstance(error, MemoryError):  # says something of the limit, not of the video
            raise MemoryError(str(error)) from error
        raise VideoError(f"{source}: cannot be encoded again ({error})") from error
