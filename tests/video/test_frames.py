import itertools
import struct
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from dfd.errors import VideoError
from dfd.video.frames import probe, sample_indices
from tests.clip_fixtures import frames_of, number_in, numbered_images, write_clip


def test_samples_span_the_whole_clip_evenly() -> None:
    indices = sample_indices(300, 16)
    gaps = {after - before for before, after in itertools.pairwise(indices)}
    assert len(indices) == 16
    assert gaps <= {18, 19}
    assert indices[0] < 19
    assert indices[-1] > 280


@pytest.mark.parametrize(("total", "wanted"), [(5, 16), (5, 5), (5, "all"), (0, 3)])
def test_a_short_clip_or_all_gives_every_frame(total: int, wanted: int) -> None:
    assert sample_indices(total, wanted) == list(range(total))


@pytest.mark.parametrize("total", [7, 8, 100, 101])
def test_samples_are_never_the_same_frame_twice(total: int) -> None:
    indices = sample_indices(total, 7)
    assert indices == sorted(set(indices))
    assert len(indices) == 7


@pytest.mark.parametrize(
    ("name", "exact"),
    [("clip.mp4", 0.001), ("clip.mkv", 0.002), ("clip.avi", 0.05)],  # AVI: no display times
)
def test_the_frames_read_are_those_asked_for(tmp_path: Path, name: str, exact: float) -> None:
    clip = write_clip(tmp_path / name, numbered_images(40))
    frames = frames_of(clip, [0, 7, 21, 39])
    assert [frame.index for frame in frames] == [0, 7, 21, 39]
    assert [number_in(frame.image()) for frame in frames] == [0, 7, 21, 39]
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.28, 0.84, 1.56], abs=exact)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_probe_measures_the_clip(tmp_path: Path, name: str) -> None:
    clip = write_clip(tmp_path / name, numbered_images(40, height=48, width=64))
    info = probe(clip)
    assert (info.width, info.height, info.frames) == (64, 48, 40)
    assert info.duration == pytest.approx(1.6, abs=0.002)
    assert info.fps == pytest.approx(25, abs=0.05)


def test_a_clip_of_one_frame_has_a_length(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "one.mp4", numbered_images(1))
    assert probe(clip).frames == 1
    assert probe(clip).duration == pytest.approx(0.04)
    assert [frame.index for frame in frames_of(clip, [0])] == [0]


def test_colours_arrive_as_bgr(tmp_path: Path) -> None:
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 2] = 220
    clip = write_clip(tmp_path / "red.mp4", [red] * 3)
    blue, green, reddish = frames_of(clip, [0])[0].image().reshape(-1, 3).mean(axis=0)
    assert reddish > 180
    assert max(blue, green) < 40


@pytest.mark.parametrize(
    ("matrix", "bright_side"),
    [((0, 1, -1, 0), "top"), ((0, -1, 1, 0), "bottom"), ((-1, 0, 0, -1), "right")],
    ids=["clockwise", "counter-clockwise", "half-turn"],
)
def test_phone_videos_come_out_upright(
    tmp_path: Path, matrix: tuple[int, int, int, int], bright_side: str
) -> None:
    image = np.zeros((48, 96, 3), np.uint8)
    image[:, :48] = 230  # the left half as stored
    clip = write_clip(tmp_path / "phone.mp4", [image] * 3)
    content = bytearray(clip.read_bytes())
    a, b, c, d = (value * 0x10000 for value in matrix)
    header = content.index(b"tkhd") + 4 + 40  # ISO/IEC 14496-12, track header: the display matrix
    content[header : header + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    clip.write_bytes(content)

    upright = frames_of(clip, [1])[0].image()
    height, width = upright.shape[:2]
    halves = {
        "top": upright[: height // 2],
        "bottom": upright[height // 2 :],
        "left": upright[:, : width // 2],
        "right": upright[:, width // 2 :],
    }
    assert max(halves, key=lambda side: halves[side].mean()) == bright_side
    assert (probe(clip).width, probe(clip).height) == (width, height)


def test_a_file_that_breaks_off_gives_the_frames_before(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "whole.mkv", numbered_images(40))
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size * 2 // 3])
    total = probe(clip).frames
    numbers = [number_in(frame.image()) for frame in frames_of(clip, range(total))]
    assert 5 < total < 40
    assert 0 < len(numbers) <= total
    assert numbers == list(range(len(numbers)))


def test_a_damaged_stretch_costs_its_frames_only(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (40, 48, 64, 3), np.uint8)
    clip = write_clip(tmp_path / "hurt.mp4", list(noise))
    content = bytearray(clip.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20000] = bytes(20000)
    clip.write_bytes(content)
    frames = frames_of(clip, range(probe(clip).frames))
    assert 20 <= len(frames) < 40


def _bitmap(path: Path) -> None:
    path.write_bytes(cv2.imencode(".bmp", np.zeros((48, 64, 3), np.uint8))[1].tobytes())


def _sound(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _headless(path: Path) -> None:
    whole = write_clip(path.with_name("whole.mp4"), numbered_images(20)).read_bytes()
    path.write_bytes(whole[: whole.index(b"moov")])


def _unknown_codec(path: Path) -> None:
    whole = write_clip(path.with_name("whole.mp4"), numbered_images(20)).read_bytes()
    path.write_bytes(whole.replace(b"avc1", b"zzzz"))


def _playlist(path: Path) -> None:
    write_clip(path.with_name("other.ts"), numbered_images(20))
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n")


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(np.random.default_rng(0).bytes(50_000)),
        lambda path: path.write_text("not a video\n" * 50),
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("nowhere.mp4"),
        _bitmap,
        _sound,
        _headless,
        _unknown_codec,
        _playlist,
    ],
    ids=[
        "empty",
        "random",
        "text",
        "folder",
        "dangling",
        "bitmap",
        "sound",
        "headless",
        "codec",
        "playlist",
    ],
)
def test_what_is_no_video_is_refused_in_one_line(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    path = tmp_path / "bad.mp4"
    make(path)
    for attempt in (lambda: probe(path), lambda: frames_of(path, [0])):
        with pytest.raises(VideoError) as caught:
            attempt()
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


def test_a_name_that_looks_like_an_address_is_a_file(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "plain.mp4", numbered_images(5))
    for name in ("concat:a|b.mp4", 'it\'s "1"\n.mp4', "http:x.mp4"):
        odd = clip.rename(tmp_path / name)
        assert probe(odd).frames == 5
        clip = odd
