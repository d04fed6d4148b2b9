from pathlib import Path

import numpy as np
import pytest

from dfd.faces.detector import Image
from dfd.faces.sheet import WIDTH, contact_sheet, failed_sheet, video_sheet
from tests.data import SAMPLE, write_video

from .conftest import face_params

ORANGE = (0, 159, 230)  # BGR, of the first track
BLUE = (233, 180, 86)
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
