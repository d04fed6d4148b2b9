from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dfd.arrays import Image
from dfd.errors import VideoError
from dfd.video.matching import MOST_BITS, match, pictures_of
from dfd.video.pictures import PictureHashes, read_pictures
from tasks.pictures import face_boxes
from tests.data import SAMPLE
from tests.video.planted import CHANGES, images_of, plant

CLIP, OTHER = SAMPLE / "ajgbsfvojo.mp4", SAMPLE / "asxpfvxlov.mp4"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Image], PictureHashes]:
    """Three seconds of a head, which the camera passes from one side to the other."""
    images = images_of(CLIP)
    passing = [each[:, number : number + 320] for number, each in enumerate(images * 3)]
    clip = plant(tmp_path_factory.mktemp("clips") / "a.mp4", passing, "encoded again", crf=18)
    return images_of(clip), read_pictures(clip, face_boxes)


def differing(*hashes: PictureHashes) -> int:
    pictures = pictures_of([each.frames for each in hashes], [each.faces for each in hashes])
    bounds = np.searchsorted(pictures.video, range(3))
    return match(pictures, slice(*bounds[:2]), slice(*bounds[1:]))


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_shares_pictures_with_its_original(
    tmp_path: Path, original: tuple[list[Image], PictureHashes], change: str
) -> None:
    images, hashes = original
    copy = plant(tmp_path / "copy.mp4", images, change)
    assert differing(hashes, read_pictures(copy, face_boxes)) <= MOST_BITS


def test_clips_of_other_people_share_none(
    original: tuple[list[Image], PictureHashes],
) -> None:
    other = read_pictures(OTHER, face_boxes)
    assert differing(original[1], other) > MOST_BITS + 10


def test_plain_and_lost_pictures_have_no_hash(
    tmp_path: Path, make_video: Callable[..., Path]
) -> None:
    black = plant(tmp_path / "black.mp4", [np.zeros((48, 64, 3), np.uint8)] * 30, "mirrored")
    assert read_pictures(black, lambda image: [(8, 8, 40, 40)]) == PictureHashes("", "")
    (tmp_path / "none.mp4").write_bytes(b"no video")
    with pytest.raises(VideoError):
        read_pictures(tmp_path / "none.mp4", lambda image: [])
