from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dfd.errors import VideoError
from dfd.video.fingerprint import read_fingerprint, same_recording
from tests.dataset.clips import write_clip
from tests.video.planted import images_of, plant


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "a.mp4", room=0, take=0)


@pytest.mark.parametrize(
    "change",
    [
        {"crf": 40},
        {"size": (80, 60)},
        {"fps": 30},
        {"seconds": 1.4},
        {"mirrored": True},
        {"forged": True},
        {"crf": 40, "size": (80, 60), "fps": 30, "seconds": 1.4, "mirrored": True},
    ],
)
def test_copies_and_fakes_show_one_recording(
    tmp_path: Path, original: Path, change: dict[str, Any]
) -> None:
    copy = write_clip(tmp_path / "b.mp4", room=0, take=0, **change)
    assert same_recording(read_fingerprint(original), read_fingerprint(copy))


@pytest.mark.parametrize(
    "change",
    ["a second cut off", "twice as fast", "first frame black", "captioned", "side bars"],
)
def test_a_copy_that_was_edited_shows_one_recording(tmp_path: Path, change: str) -> None:
    clip = write_clip(tmp_path / "a.mp4", room=0, take=0, seconds=4)
    copy = plant(tmp_path / "b.mp4", images_of(clip), change)
    assert same_recording(read_fingerprint(clip), read_fingerprint(copy))


@pytest.mark.parametrize("take", range(1, 5))
def test_another_take_in_the_same_room_is_another_recording(
    tmp_path: Path, original: Path, take: int
) -> None:
    other = write_clip(tmp_path / "b.mp4", room=0, take=take)
    assert not same_recording(read_fingerprint(original), read_fingerprint(other))


def test_stills_are_compared_as_pictures() -> None:
    still = np.random.default_rng(0).integers(0, 255, (1, 32, 32), dtype=np.uint8).repeat(5, axis=0)
    assert same_recording(still, still[:1])
    assert not same_recording(still, 255 - still)


def test_a_fingerprint_has_four_pictures_a_second_up_to_eight_seconds(
    tmp_path: Path, original: Path
) -> None:
    assert read_fingerprint(original).shape == (10, 32, 32)
    long = write_clip(tmp_path / "b.mp4", room=0, take=0, fps=10, seconds=9)
    assert read_fingerprint(long).shape == (32, 32, 32)
    short = write_clip(tmp_path / "c.mp4", room=0, take=0, seconds=0.04)
    assert read_fingerprint(short).shape == (1, 32, 32)


def test_what_is_no_video_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(VideoError, match=r"a\.mp4"):
        read_fingerprint(tmp_path / "a.mp4")
