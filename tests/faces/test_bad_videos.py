"""Files that are damaged or mean harm: refused in one line, or read as far as they are whole."""

from pathlib import Path

import numpy as np
import pytest

from dfd.errors import VideoError
from dfd.faces.extract import extract_faces
from dfd.video import packets as packets_module
from dfd.video.frame import Frame
from dfd.video.frames import probe, read_frames
from dfd.video.packets import Packets, list_packets
from tests.clip_fixtures import face_params, find_squares, frames_of
from tests.video.clips import Coding, moving_images, write
from tests.video.hostile import (
    COUNTS,
    MILLION,
    SIZED,
    clip_with,
    grown,
    in_box,
    many_samples,
    sized,
)


class TooLarge(Exception):
    """Raised by a callback that refuses a video."""


SIDES = [12_000, 60_000]  # the first FFmpeg itself would take


def attempt(path: Path) -> list[Frame]:
    """Read a few frames; a refusal must be one line that names the file."""
    try:
        packets = list_packets(path)
        wanted = list(range(0, packets.frames, 1 + packets.frames // 5))
        frames = list(read_frames(path, packets, wanted))
        probe(path)
    except VideoError as error:
        check_refusal(path, error)
        return []
    return frames


def check_refusal(path: Path, error: VideoError) -> None:
    assert str(error).startswith(f"{path}: ")
    assert "\n" not in str(error)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", SIZED)
def test_a_header_that_promises_a_huge_picture_is_refused(
    tmp_path: Path, name: str, side: int
) -> None:
    path = sized(tmp_path / name, side)
    assert attempt(path) == []
    faces = extract_faces(path, face_params(), find_squares)
    assert (faces.reason, faces.decoded) == ("unreadable", 0)
    assert faces.detail


def test_the_picture_that_is_promised_is_named_with_the_limit(tmp_path: Path) -> None:
    path = sized(tmp_path / "prores.mov", 12_000)
    with pytest.raises(VideoError, match="promises 12000×12000 pixels, over the 67,108,864 "):
        list_packets(path)


def test_raw_pictures_of_a_promised_size_that_are_not_there_are_none(tmp_path: Path) -> None:
    for side in (8000, *SIDES):
        path = tmp_path / f"{side}.y4m"
        path.write_bytes(b"YUV4MPEG2 W%d H%d F25:1 C420\nFRAME\n" % (side, side) + bytes(9999))
        assert attempt(path) == []


@pytest.mark.parametrize("name", COUNTS)
def test_a_header_that_promises_a_million_frames_gives_what_is_there(
    tmp_path: Path, name: str
) -> None:
    path = clip_with(tmp_path / "clip.mp4", Coding(), COUNTS[name])
    assert len(attempt(path)) <= 20
    try:
        assert list_packets(path).frames <= 20
    except VideoError as error:
        check_refusal(path, error)


def test_a_run_of_a_million_durations_changes_nothing(tmp_path: Path) -> None:
    path = clip_with(tmp_path / "clip.mp4", Coding(), in_box(b"stts", (12, MILLION)))
    assert probe(path).frames == 20
    assert len(frames_of(path, range(20))) == 20


@pytest.mark.parametrize("name", ["clip.h264", "clip.ts"])
def test_a_stream_that_grows_late_may_be_refused_at_its_first_large_frame(
    tmp_path: Path, name: str
) -> None:
    path, sizes = grown(tmp_path / name, 2048), []

    def admit(packets: Packets) -> None:
        sizes.append(packets.pixels)
        if packets.pixels > 2**20:
            raise TooLarge

    for wanted in (2, "all"):  # the second sampled frame is the large one, or the last of all
        with pytest.raises(TooLarge):
            extract_faces(path, face_params(frames_per_video=wanted), find_squares, admit)
        assert sizes == [64 * 48, 2048**2]
        sizes.clear()


def test_more_frames_than_a_day_has_are_refused_while_they_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = many_samples(tmp_path / "clip.mp4", 5000)
    assert list_packets(path)
    monkeypatch.setattr(packets_module, "MAX_PACKETS", 4999)
    with pytest.raises(VideoError, match="holds over 4,999 frames; cut it into shorter files"):
        list_packets(path)
    faces = extract_faces(path, face_params(), find_squares)
    assert (faces.reason, faces.detail) == (
        "unreadable",
        "holds over 4,999 frames; cut it into shorter files",
    )


@pytest.mark.slow
def test_five_million_samples_of_one_byte_are_refused(tmp_path: Path) -> None:
    path = many_samples(tmp_path / "clip.mp4", 5_000_000)
    faces = extract_faces(path, face_params(), find_squares)
    assert faces.detail == "holds over 2,000,000 frames; cut it into shorter files"


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts", "clip.avi", "clip.flv"])
def test_a_file_cut_anywhere_gives_its_beginning_or_a_refusal(tmp_path: Path, name: str) -> None:
    coding = Coding(options={"bf": "0", "g": "8"})
    whole = write(tmp_path / f"whole-{name}", moving_images(40), coding).read_bytes()
    (tmp_path / name).write_bytes(whole)
    pictures = [frame.picture.to_ndarray() for frame in frames_of(tmp_path / name, range(40))]
    assert len(pictures) == 40
    counts = []
    for length in sorted(np.random.default_rng(4).integers(0, len(whole), 20)):
        (tmp_path / name).write_bytes(whole[:length])
        try:
            total = list_packets(tmp_path / name).frames
        except VideoError as error:
            check_refusal(tmp_path / name, error)
            total = 0
        frames = frames_of(tmp_path / name, range(total)) if total else []
        counts.append(len(frames))
        assert total - 1 <= len(frames) <= total, "the last may be cut in two"
        for frame in frames[:-1]:
            assert (frame.picture.to_ndarray() == pictures[frame.index]).all()
    assert counts == sorted(counts)
    # The index of an MP4 file comes last; the others can be read from the beginning.
    assert counts[0] == 0 or name != "clip.mp4"
    assert (max(counts) > 30) == (name != "clip.mp4")


OTHER_FILES = {
    "ffconcat": "ffconcat version 1.0\nfile 'other.mp4'\n",
    "ffconcat with stream": "ffconcat version 1.0\nfile other.mp4\nduration 1\nstream\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.mp4\n#EXT-X-ENDLIST\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
    "<Period><AdaptationSet><Representation id='1'><BaseURL>other.mp4</BaseURL>"
    "</Representation></AdaptationSet></Period></MPD>",
    "protocol": "concat:other.mp4|other.mp4\n",
    "image sequence": "other%03d.png\n",
    "rtsp text": "RTSPtextRTSP://127.0.0.1:9/other\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="other.mp4"/></svg>',
    "subtitles": "1\n00:00:00,000 --> 00:00:01,000\nother.mp4\n",
}


@pytest.mark.parametrize("kind", OTHER_FILES)
def test_a_text_that_names_another_file_is_no_video(tmp_path: Path, kind: str) -> None:
    write(tmp_path / "other.mp4", moving_images(5), Coding())
    for name in ("bad.mp4", "bad.ffconcat", "bad.m3u8", "bad.sdp", "bad.mpd"):
        path = tmp_path / name
        path.write_text(OTHER_FILES[kind])
        with pytest.raises(VideoError) as caught:
            list_packets(path)
        check_refusal(path, caught.value)
