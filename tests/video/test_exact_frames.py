"""A sparse sample gives, bit for bit, what decoding everything and picking gives."""

from pathlib import Path

import av
import numpy as np
import pytest

from dfd.video.frames import probe, sample_indices
from dfd.video.packets import list_packets
from tests.clip_fixtures import frames_of
from tests.video.clips import Coding, moving_images, write

COUNT = 60


def x264(**params: object) -> Coding:
    """Options of x264 by their own names, ``_`` for ``-``; fixed GOPs unless told otherwise."""
    options = {"keyint": 10, "min-keyint": 1, "scenecut": 0, "b-adapt": 0, "bframes": 0}
    options |= {name.replace("_", "-"): value for name, value in params.items()}
    text = ":".join(f"{name}={value}" for name, value in options.items())
    return Coding(options={"x264-params": text})


def x265(**params: object) -> Coding:
    text = "keyint=10:b-adapt=0:scenecut=0:pools=none:log-level=none"
    text += "".join(f":{name.replace('_', '-')}={value}" for name, value in params.items())
    return Coding("libx265", options={"x265-params": text})


def mpeg(codec: str, **options: str) -> Coding:
    return Coding(codec, options={"g": "10", "bf": "2", **options})


H264 = {
    **{f"{n} B-frames": x264(bframes=n, b_pyramid="none") for n in range(4)},
    "B-pyramid": x264(bframes=3, b_pyramid="normal", ref=4),
    "strict B-pyramid": x264(bframes=3, b_pyramid="strict", ref=4),
    "open GOP": x264(bframes=3, open_gop=1, b_pyramid="normal"),
    "many references": x264(bframes=2, ref=8, keyint=30),
    "one GOP": x264(bframes=3, ref=8, keyint="infinite"),
    "intra refresh": x264(intra_refresh=1, keyint=20),
    "intra refresh with B-frames": x264(intra_refresh=1, keyint=20, bframes=2),
    "GOPs of two": x264(keyint=2, bframes=1),
    "keys alone": x264(keyint=1),
    "top field first": x264(interlaced=1, tff=1, bframes=2),
    "bottom field first": x264(interlaced=1, bff=1, bframes=3, open_gop=1),
    "slices": x264(slices=4, bframes=2),
    "scene cuts": x264(scenecut=40, bframes=3, **{"b-adapt": 2, "keyint": 250}),
}
OTHERS = {
    "hevc.mp4": x265(bframes=3, open_gop=0),
    "hevc pyramid.mkv": x265(bframes=4, b_pyramid=1, open_gop=1),
    "hevc open GOP.ts": x265(bframes=3, open_gop=1),
    "hevc temporal layers.mp4": x265(bframes=4, b_pyramid=1, temporal_layers=3),
    "hevc intra refresh.mp4": x265(bframes=0, intra_refresh=1),
    "hevc.hevc": x265(bframes=3),
    "mpeg4.mp4": mpeg("mpeg4"),
    "mpeg4.avi": mpeg("mpeg4"),
    "mpeg4.mkv": mpeg("mpeg4"),
    "mpeg2.ts": mpeg("mpeg2video"),
    "mpeg2.mpg": mpeg("mpeg2video"),
    "mpeg2 interlaced.ts": mpeg("mpeg2video", flags="+ilme+ildct"),
    "mpeg2 closed GOP.mkv": mpeg("mpeg2video", flags="+cgop", sc_threshold="1000000000"),
    "mpeg1.mpg": mpeg("mpeg1video"),
    "vp8.webm": Coding("libvpx", options={"g": "10", "deadline": "realtime", "cpu-used": "8"}),
    # The picture made ahead of its time (auto-alt-ref) is a packet that shows nothing.
    "vp9.webm": Coding("libvpx-vp9", options={"g": "20", "cpu-used": "5", "auto-alt-ref": "1"}),
    "vp9.mp4": Coding("libvpx-vp9", options={"g": "20", "cpu-used": "5", "auto-alt-ref": "1"}),
    "ffv1.mkv": Coding("ffv1", options={"g": "5"}),
    "prores.mov": Coding("prores_ks", "yuv422p10le"),
    "gif.gif": Coding("gif", "rgb8"),
    "h264.flv": x264(bframes=2),
    "h264.h264": x264(bframes=2),
    "h264.avi": x264(bframes=3, b_pyramid="normal"),
    "h264 no B-frames.avi": x264(),
}
CASES = {
    **{f"{name}.{kind}": coding for name, coding in H264.items() for kind in ("mp4", "mkv", "ts")},
    **OTHERS,
}


def everything(path: Path) -> list[bytes]:
    """Decode the whole clip; a decoder gives its pictures in the order in which they are shown."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]


def samples(total: int) -> list[list[int]]:
    rng = np.random.default_rng(total)
    random = [sorted(rng.choice(total, 3, replace=False).tolist()) for _ in range(4)]
    spread = [sample_indices(total, wanted) for wanted in (1, 4, 13, "all")]
    return [*spread, *random, [0], [total - 1]]


@pytest.mark.parametrize("case", CASES)
def test_a_sample_is_what_decoding_everything_gives(tmp_path: Path, case: str) -> None:
    clip = write(tmp_path / f"clip.{case.split('.')[-1]}", moving_images(COUNT), CASES[case])
    reference = everything(clip)
    assert len(reference) == probe(clip).frames == COUNT
    for indices in samples(COUNT):
        frames = frames_of(clip, indices)
        assert [frame.index for frame in frames] == indices
        assert [frame.time_s for frame in frames] == pytest.approx(
            [index / 25 for index in indices], abs=0.001
        )
        for frame in frames:
            assert frame.picture.to_ndarray().tobytes() == reference[frame.index], frame.index


def test_a_clip_cut_by_an_edit_list_begins_where_its_editor_said(tmp_path: Path) -> None:
    clip = write(tmp_path / "clip.mp4", moving_images(COUNT), x264(bframes=2))
    content = bytearray(clip.read_bytes())
    media_time = content.index(b"elst") + 4 + 12  # ISO/IEC 14496-12: flags, count, duration
    before = int.from_bytes(content[media_time : media_time + 4], "big")
    with av.open(str(clip)) as container:
        frame_length = round(1 / (25 * container.streams.video[0].time_base))
    content[media_time : media_time + 4] = (before + 13 * frame_length).to_bytes(4, "big")
    whole = everything(clip)
    clip.write_bytes(content)
    total = list_packets(clip).frames
    assert total == COUNT - 13
    for indices in samples(total):
        frames = frames_of(clip, indices)
        assert [frame.index for frame in frames] == indices
        assert [frame.time_s for frame in frames] == pytest.approx([i / 25 for i in indices])
        for frame in frames:
            assert frame.picture.to_ndarray().tobytes() == whole[frame.index + 13]


def test_parts_whose_clock_starts_anew_stay_in_the_order_of_the_file(tmp_path: Path) -> None:
    late = x264(bframes=2)
    late = Coding(options=late.options, times=[2000 + 40 * number for number in range(20)])
    one = write(tmp_path / "one.ts", moving_images(20, seed=1), late)
    two = write(tmp_path / "two.ts", moving_images(20, seed=2), x264(bframes=2))
    clip = tmp_path / "both.ts"
    clip.write_bytes(one.read_bytes() + two.read_bytes())
    reference = everything(clip)
    assert len(reference) == 40
    for indices in samples(40):
        frames = frames_of(clip, indices)
        assert [frame.index for frame in frames] == indices
        for frame in frames:
            assert frame.picture.to_ndarray().tobytes() == reference[frame.index], frame.index
