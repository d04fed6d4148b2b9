from pathlib import Path

import cv2
import numpy as np
import pytest

from dfd.arrays import Image
from dfd.faces.sheet import WIDTH, contact_sheet, failed_sheet, video_sheet
from dfd.video.frames import read_frames
from dfd.video.packets import list_packets
from tests.clip_fixtures import face_params, write_clip
from tests.data import SAMPLE, write_video

ORANGE = (0, 159, 230)  # BGR, of the first track
BLUE = (233, 180, 86)
TRACKS = (ORANGE, BLUE)
GREY = (170, 170, 170)
CLIPS = sorted(SAMPLE.glob("*.mp4"))


def pixels(image: Image, colour: tuple[int, int, int]) -> int:
    return int((image == np.array(colour)).all(axis=2).sum())


@pytest.fixture(scope="module")
def person() -> Image:
    return video_sheet(CLIPS[0], face_params())


def test_a_person_is_framed_in_the_colour_of_the_track(person: Image) -> None:
    assert person.shape[1] == WIDTH
    assert pixels(person, ORANGE) > 2000
    assert pixels(person, BLUE) == 0


def test_a_face_that_is_not_kept_is_grey() -> None:
    dropped = video_sheet(CLIPS[0], face_params(min_face=300))
    assert pixels(dropped, ORANGE) == 0
    assert pixels(dropped, GREY) > 1000


def test_each_of_two_people_has_a_colour_where_they_are(tmp_path: Path) -> None:
    frame = next(read_frames(CLIPS[0], list_packets(CLIPS[0]), [10])).image()
    two = np.hstack([frame, cv2.flip(frame, 1)])
    clip = write_clip(tmp_path / "two.mp4", [two] * 10)
    both, one = (video_sheet(clip, face_params(max_tracks=most)) for most in (2, 1))
    first = both[26:150, : 1600 // 5]  # the upper part of the first frame shown
    columns = [np.flatnonzero((first == np.array(hue)).all(axis=2).any(axis=0)) for hue in TRACKS]
    assert all(len(found) for found in columns)
    assert columns[0].max() < columns[1].min() or columns[1].max() < columns[0].min()
    assert pixels(one, BLUE) == 0
    assert pixels(one, GREY) > 200, "the second person is found, not kept"


def failed(name: str) -> Image:
    return failed_sheet(Path(name), "crash", "its process died")


def test_the_account_stands_beside_a_long_name() -> None:
    long, short = failed("x" * 200 + ".mp4"), failed("x.mp4")
    assert long.shape == short.shape
    ends = [np.flatnonzero((one[:24] != 255).any(axis=(0, 2))).max() for one in (short, long)]
    assert ends[0] < ends[1] < WIDTH - 200


def test_names_are_drawn_in_their_script_and_control_marks_as_escapes() -> None:
    assert np.array_equal(failed("a\r\x1b\u202eb.mp4"), failed(r"a\r\x1b\u202eb.mp4"))
    assert not np.array_equal(failed("視.mp4"), failed("頻.mp4"))
    assert not np.array_equal(failed("視.mp4"), failed(r"\u8996.mp4"))


def test_a_sheet_of_many_videos_has_columns(person: Image) -> None:
    few, many = contact_sheet([person] * 4), contact_sheet([person] * 20)
    assert few.shape[1] == WIDTH
    assert many.shape[1] == 2 * WIDTH
    assert pixels(many, ORANGE) == 20 * pixels(person, ORANGE)
    assert many.shape[0] < 3 * WIDTH


def test_every_crop_of_a_track_has_its_cell(person: Image) -> None:
    few, many = (video_sheet(CLIPS[0], face_params(frames_per_video=n)) for n in (2, 16))
    assert few.shape == many.shape == person.shape
    row = [sheet[-60] for sheet in (few, person, many)]  # through the row of crops
    inked = [int((line != 255).any(axis=1).sum()) for line in row]
    assert inked[0] < inked[1] < inked[2]


@pytest.mark.parametrize("name", ["noise.mp4", "new\nline.mp4", "ü\udcff.mp4"])
def test_a_video_without_faces_says_so(tmp_path: Path, name: str) -> None:
    sheet = video_sheet(write_video(tmp_path / name, frames=5), face_params())
    assert pixels(sheet, ORANGE) == 0
    assert (sheet[..., 2].astype(int) - sheet[..., 1] > 100).sum() > 100, "in red words"


def test_what_cannot_be_read_has_a_block_too(tmp_path: Path, person: Image) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"\0" * 1000)
    broken = video_sheet(tmp_path / "broken.mp4", face_params())
    hung = failed_sheet(Path("hung.mp4"), "time_limit", "took longer than 5 s")
    whole = contact_sheet([person, broken, hung])
    assert whole.shape[0] > person.shape[0] + broken.shape[0] + hung.shape[0]
    assert whole.shape[1] == WIDTH
    assert not np.array_equal(broken, hung)
