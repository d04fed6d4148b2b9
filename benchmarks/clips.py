"""Videos for benchmarks, made from the embedded sample."""

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SAMPLE = Path(__file__).resolve().parent.parent / "samples" / "videos"
_RATE = 30
_NOISE = 3.0  # standard deviation in grey levels, as of a camera's sensor


def write_clip(path: Path, seconds: int = 10, width: int = 1920, height: int = 1080) -> Path:
    """Encode a sample clip as H.264: enlarged, played forwards and backwards, with noise."""
    with av.open(str(sorted(SAMPLE.glob("*.mp4"))[0])) as source:
        frames = list(source.decode(video=0))
    order = [*range(len(frames)), *range(len(frames) - 2, 0, -1)]
    rng = np.random.default_rng(0)
    noise = [rng.normal(0, _NOISE, (height, width)).astype(np.int16) for _ in range(7)]
    with av.open(str(path), "w") as clip:
        stream = clip.add_stream("libx264", rate=Fraction(_RATE))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "23", "preset": "medium"}
        for number in range(seconds * _RATE):
            frame = frames[order[number % len(order)]]
            planes = frame.reformat(width, height, interpolation="BICUBIC").to_ndarray()
            luma = planes[:height] + noise[number % len(noise)]
            planes[:height] = np.clip(luma, 0, 255)
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        clip.mux(stream.encode())
    return path


def repeat(clip: Path, path: Path, times: int) -> Path:
    """Write a video that plays a clip several times; its packets are copied, not encoded again."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        packets = [
            (bytes(packet), packet.pts, packet.dts, packet.is_keyframe)
            for packet in source.demux(video=0)
            if packet.pts is not None and packet.dts is not None
        ]
        base = source.streams.video[0].time_base
        assert base is not None
        length = round(len(packets) / (_RATE * base))
        for shift in range(0, times * length, length):
            for content, pts, dts, key in packets:
                packet = av.Packet(content)
                packet.stream, packet.time_base, packet.is_keyframe = stream, base, key
                packet.pts, packet.dts = pts + shift, dts + shift
                target.mux(packet)
    return path


def stamp(clip: Path, path: Path, number: int) -> None:
    """Copy a clip and append a box of a few bytes, so that its hash differs from other copies.

    Players skip a box of the type ``free``.
    """
    box = number.to_bytes(8, "big")
    path.write_bytes(clip.read_bytes() + (8 + len(box)).to_bytes(4, "big") + b"free" + box)
    os.utime(path, (0, 0))
