"""Compression of crops by real encoders: JPEG by OpenCV, H.264 by x264."""

import math
from fractions import Fraction

import av
import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

# x264 runs on one thread and without AVX-512: with AVX-512 it encoded the same frames differently
# from run to run. Every frame is a key frame, and with qcomp=1 the quantiser of a frame follows
# from the CRF alone, so the result for a crop does not depend on the other crops of the stack.
# In a clip of both kinds of frames, x264 gives key frames a quantiser 1.4 times as fine (its option
# ipratio); where all frames are key frames it does not, so _KEY_FRAME lowers the CRF by as much.
_H264 = {
    "preset": "veryfast",
    "tune": "zerolatency",
    "threads": "1",
    "x264-params": "asm=avx2:keyint=1:qcomp=1:rc-lookahead=0:sliced-threads=0",
}
_KEY_FRAME = 6 * math.log2(1.4)


def jpeg(crops: Pixels, quality: int) -> Pixels:
    """Compress each crop as JPEG and decode it again.

    Args:
        crops: uint8 (K, H, W, 3) RGB; left unchanged.
        quality: OpenCV's JPEG quality, 1 to 100; lower loses more.

    Returns:
        The decoded crops, uint8 (K, H, W, 3) RGB.

    Example:
        >>> crops = np.full((2, 64, 64, 3), (200, 40, 60), np.uint8)
        >>> jpeg(crops, 40).shape
        (2, 64, 64, 3)
    """
    return np.stack([_jpeg(crop, quality) for crop in crops])


def h264(crops: Pixels, crf: int) -> Pixels:
    """Compress each crop as a key frame of H.264 and decode it again.

    The pixel format is yuv420p in the limited range of BT.601, as in most web videos.

    Args:
        crops: uint8 (K, H, W, 3) RGB; left unchanged. To odd sides, a row or a column is added for
            the encoder and cut off again.
        crf: x264's constant rate factor, 0 to 51; higher loses more.

    Returns:
        The decoded crops, uint8 (K, H, W, 3) RGB.

    Example:
        >>> crops = np.full((2, 65, 64, 3), (200, 40, 60), np.uint8)
        >>> h264(crops, 30).shape
        (2, 65, 64, 3)
    """
    height, width = crops.shape[1:3]
    below, right = height % 2, width % 2  # colour is stored for 2×2 pixels, so sides must be even
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = width + right, height + below
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {**_H264, "crf": f"{crf - _KEY_FRAME:.2f}"}
    packets = []
    for number, crop in enumerate(crops):
        even = cv2.copyMakeBorder(crop, 0, below, 0, right, cv2.BORDER_REPLICATE)
        planes = cv2.cvtColor(even, cv2.COLOR_RGB2YUV_I420)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    frames = [frame for packet in (*packets, None) for frame in decoder.decode(packet)]
    decoded = [cv2.cvtColor(frame.to_ndarray(), cv2.COLOR_YUV2RGB_I420) for frame in frames]
    return np.stack(decoded)[:, :height, :width].astype(np.uint8, order="C", copy=False)


def _jpeg(crop: Pixels, quality: int) -> Pixels:
    # OpenCV expects BGR; in another order the encoder would lose the colours that cameras keep.
    bgr = cv2.cvtColor(crop, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    assert decoded is not None  # it was encoded just above
    return np.asarray(decoded, np.uint8)
