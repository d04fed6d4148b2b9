from pathlib import Path

import numpy as np
import pytest

from dfd.errors import VideoError, VideoGivenUp
from dfd.faces.store import read_video_faces
from dfd.robustness.reencode import reencode
from dfd.robustness.worker import extract_perturbed, perturbed_key
from dfd.video.frames import probe, read_frames
from dfd.video.packets import list_packets
from tests.clip_fixtures import face_params
from tests.data import SAMPLE
from tests.video.clips import Coding, moving_images, turn, write


def images_of(path: Path) -> np.ndarray:
    packets = list_packets(path)
    frames = read_frames(path, packets, range(packets.frames))
    return np.stack([frame.image() for frame in frames]).astype(float)


def light(images: np.ndarray) -> np.ndarray:
    """Return the luma of BGR images: colour is stored coarsely, whatever the CRF."""
    return images @ (0.114, 0.587, 0.299)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write(tmp_path / "clip.mp4", moving_images(20, 128, 96), Coding(rate=30))


def test_every_frame_is_there_and_a_higher_crf_loses_more(clip: Path, tmp_path: Path) -> None:
    before, sizes, errors = images_of(clip), [], []
    for crf in (10, 23, 40):
        reencode(clip, tmp_path / "again.mp4", crf)
        after = images_of(tmp_path / "again.mp4")
        assert after.shape == before.shape
        errors.append(np.abs(light(after) - light(before)).mean())
        sizes.append((tmp_path / "again.mp4").stat().st_size)
    assert probe(tmp_path / "again.mp4").fps == pytest.approx(30)
    assert errors[0] < 4
    assert errors == sorted(errors)
    assert sizes == sorted(sizes, reverse=True)


def test_the_same_bytes_again(clip: Path, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        reencode(clip, tmp_path / name, 28)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


@pytest.mark.parametrize("size", [(64, 48), (1280, 720)])
def test_colours_keep_their_places_at_any_size(size: tuple[int, int], tmp_path: Path) -> None:
    colour = np.array([60, 40, 200], np.uint8)  # BGR
    image = np.broadcast_to(colour, (size[1], size[0], 3)).copy()
    plain = write(tmp_path / "plain.mp4", [image] * 3, Coding())
    reencode(plain, tmp_path / "again.mp4", 23)
    np.testing.assert_allclose(
        images_of(tmp_path / "again.mp4").mean(axis=(0, 1, 2)), colour, atol=6
    )


def test_a_turned_video_of_odd_size_becomes_upright_and_even(tmp_path: Path) -> None:
    odd = write(tmp_path / "odd.mp4", moving_images(4, 65, 49), Coding(pix_fmt="yuv444p"))
    odd.write_bytes(turn(odd.read_bytes(), 90))
    reencode(odd, tmp_path / "again.mp4", 10)
    before, after = images_of(odd), images_of(tmp_path / "again.mp4")
    assert before.shape == (4, 65, 49, 3)
    assert after.shape == (4, 64, 48, 3)
    assert np.abs(light(after) - light(before[:, :64, :48])).mean() < 4


def test_what_is_no_video_is_an_error_and_gives_the_video_up(tmp_path: Path) -> None:
    broken, clip, store = tmp_path / "broken.mp4", tmp_path / "again.mp4", tmp_path / "store"
    broken.write_bytes(b"no video")
    with pytest.raises(VideoError, match=r"broken\.mp4: "):
        reencode(broken, clip, 23)
    with pytest.raises(VideoGivenUp, match="unreadable: cannot be read"):
        extract_perturbed(store, "k", broken, clip, "h264", 23, face_params())
    assert not store.exists()


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample is not here")
def test_faces_are_those_of_the_video_encoded_again(tmp_path: Path) -> None:
    person, keys = sorted(SAMPLE.glob("*.mp4"))[0], []
    for level in (18, 40):
        key = perturbed_key("0" * 64, face_params(), "h264", level)
        clip = tmp_path / "again.mp4"
        extract_perturbed(tmp_path / "s", key, person, clip, "h264", level, face_params())
        keys.append(key)
    mild, strong = (read_video_faces(tmp_path / "s", key) for key in keys)
    assert mild is not None
    assert strong is not None
    assert mild.frames == strong.frames == probe(person).frames
    assert [crop.frame for crop in mild.crops] == [crop.frame for crop in strong.crops] != []
    sharpness = [np.mean([crop.sharpness for crop in faces.crops]) for faces in (mild, strong)]
    assert sharpness[0] > sharpness[1]
