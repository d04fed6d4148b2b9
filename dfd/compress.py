"""Crops as they come back from real encoders: JPEG by OpenCV, H.264 by x264."""

import math
from fractions import Fraction

import av
import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

# One thread and no AVX-512, whose code was seen to encode the same frames differently each time.
# Every frame is a key frame, and with qcomp=1 its quantiser follows from the CRF alone, so that a
# crop does not depend on its neighbours in the stack. x264 gives the key frames of a clip, whose
# detail the others inherit, 1.4 times as fine a quantiser (its ipratio), but not where all are.
_H264 = {
    "preset": "veryfast",
    "tune": "zerolatency",
    "threads": "1",
    "x264-params": "asm=avx2:keyint=1:qcomp=1:rc-lookahead=0:sliced-threads=0",
}
_KEY_FRAME = 6 * math.log2(1.4)


def jpeg(crops: Pixels, quality: int) -> Pixels:
    """Compress each crop as JPEG.

    Args:
        crops: uint8 (K, S, S, 3) RGB; left unchanged.
        quality: 1 to 100, OpenCV's scale.

    Returns:
        uint8 (K, S, S, 3) RGB.
    """
    return np.stack([_jpeg(crop, quality) for crop in crops])


def h264(crops: Pixels, crf: int) -> Pixels:
    """Compress each crop as a key frame of H.264, yuv420p in BT.601's limited range.

    Args:
        crops: uint8 (K, S, S, 3) RGB; left unchanged. Odd sides are padded for the encoder.
        crf: x264's constant rate factor, 0 to 51; higher loses more.

    Returns:
        uint8 (K, S, S, 3) RGB.
    """
    side = crops.shape[1]
    odd = side % 2  # colour is stored for 2×2 pixels, so sides must be even
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width = encoder.height = side + odd
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {**_H264, "crf": f"{crf - _KEY_FRAME:.2f}"}
    packets = []
    for number, crop in enumerate(crops):
        even = cv2.copyMakeBorder(crop, 0, odd, 0, odd, cv2.BORDER_REPLICATE)
        planes = cv2.cvtColor(even, cv2.COLOR_RGB2YUV_I420)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    frames = [frame for packet in (*packets, None) for frame in decoder.decode(packet)]
    decoded = [cv2.cvtColor(frame.to_ndarray(), cv2.COLOR_YUV2RGB_I420) for frame in frames]
    return np.stack(decoded)[:, :side, :side].astype(np.uint8, order="C", copy=False)


def _jpeg(crop: Pixels, quality: int) -> Pixels:
    # OpenCV takes the channels as BGR; a wrong order would lose colour where no camera does.
    bgr = cv2.cvtColor(crop, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    assert decoded is not None  # it was encoded a line above
    return np.asarray(decoded, np.uint8)
