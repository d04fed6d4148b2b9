from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from dfd.robustness.perturbations import (
    ON_CROP,
    ON_TABLE,
    ON_VIDEO,
    PERTURBATIONS,
    Perturbation,
    fewer_frames,
    perturb_crops,
)
from dfd.video.frames import read_frames
from dfd.video.packets import list_packets
from tests.train.faces import face_crop
from tests.video.clips import Coding, moving_images, write

NAMES = pd.Series(["a.mp4/000001-0.jpg", "b.mp4/000001-0.jpg"])


def pair(side: int = 128) -> np.ndarray:
    return np.stack([face_crop(side, seed=1), face_crop(side, seed=2)])


def at_levels(name: str, crops: np.ndarray) -> list[np.ndarray]:
    return [perturb_crops(crops, NAMES, ON_CROP[name], level) for level in ON_CROP[name].levels]


def detail(crops: np.ndarray) -> float:
    return float(np.mean([np.abs(cv2.Laplacian(crop, cv2.CV_32F)).mean() for crop in crops]))


@pytest.mark.parametrize("name", ON_CROP)
@pytest.mark.parametrize("side", [32, 129])
def test_crops_keep_shape_and_type_and_the_originals_are_untouched(name: str, side: int) -> None:
    crops = pair(side)
    kept = crops.copy()
    for altered in at_levels(name, crops):
        assert altered.shape == crops.shape
        assert altered.dtype == np.uint8
        assert (altered != crops).any()
    np.testing.assert_array_equal(crops, kept)


@pytest.mark.parametrize("name", ON_CROP)
def test_without_a_level_nothing_changes(name: str) -> None:
    np.testing.assert_array_equal(perturb_crops(pair(), NAMES, ON_CROP[name], None), pair())


def assert_harm_grows(perturbation: Perturbation, harm: list[float]) -> None:
    """Each level does more harm than the one before, counted from the unperturbed."""
    at = perturbation.clean_at
    for levels in (harm[:at][::-1], harm[at:]):
        assert levels == sorted(levels)
        assert len(set(levels)) == len(levels)
    assert min(harm) > 0


@pytest.mark.parametrize("name", ON_CROP)
def test_each_level_does_more_harm_than_the_one_before(name: str) -> None:
    crops = pair()
    errors = [np.abs(altered.astype(float) - crops).mean() for altered in at_levels(name, crops)]
    assert_harm_grows(ON_CROP[name], errors)


@pytest.mark.parametrize("name", ON_VIDEO)
def test_a_video_keeps_its_frames_and_loses_more_at_each_level(name: str, tmp_path: Path) -> None:
    clip = write(tmp_path / "clip.mp4", moving_images(20, 128, 96), Coding(rate=30))
    before, errors = luma_of(clip), []
    for level in ON_VIDEO[name].levels:
        ON_VIDEO[name].function(clip, tmp_path / "altered.mp4", level)
        after = luma_of(tmp_path / "altered.mp4")
        assert after.shape == before.shape
        errors.append(np.abs(after - before).mean())
    assert_harm_grows(ON_VIDEO[name], errors)


def luma_of(path: Path) -> np.ndarray:
    packets = list_packets(path)
    frames = read_frames(path, packets, range(packets.frames))
    return np.stack([frame.image() for frame in frames]) @ (0.114, 0.587, 0.299)  # of BGR


@pytest.mark.parametrize("name", ON_TABLE)
def test_every_video_keeps_some_crops_and_fewer_at_each_level(name: str) -> None:
    rows = [(video, frame, 0) for video in "ab" for frame in range(0, 64, 4)]
    crops = pd.DataFrame(rows, columns=["video", "frame", "track"])
    lost = []
    for level in ON_TABLE[name].levels:
        kept = ON_TABLE[name].function(crops, level)
        assert set(kept["video"]) == {"a", "b"}
        pd.testing.assert_frame_equal(kept.sort_index(), crops.loc[sorted(kept.index)])
        lost.append(len(crops) - len(kept))
    assert_harm_grows(ON_TABLE[name], lost)


@pytest.mark.parametrize("name", ["scale", "blur"])
def test_fine_detail_goes_level_by_level(name: str) -> None:
    crops = pair()
    kept = [detail(altered) / detail(crops) for altered in at_levels(name, crops)]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] < 1
    assert kept[-1] < 0.1


def test_noise_has_the_strength_it_says_and_follows_from_the_name_alone() -> None:
    grey = np.full((2, 128, 128, 3), 128, np.uint8)
    noisy = at_levels("noise", grey)
    strengths = [(altered - 128.0).std() for altered in noisy]
    assert strengths == pytest.approx(ON_CROP["noise"].levels, rel=0.05)
    first, second = noisy[-1]
    assert (first != second).any()
    swapped = perturb_crops(grey, NAMES[::-1], ON_CROP["noise"], ON_CROP["noise"].levels[-1])
    np.testing.assert_array_equal(swapped, [second, first])


def test_gamma_turns_brightness_and_leaves_black_and_white() -> None:
    levels = ON_CROP["gamma"].levels
    means = [altered.mean() for altered in at_levels("gamma", pair())]
    assert means == sorted(means, reverse=True), "a higher exponent is darker"
    at = ON_CROP["gamma"].clean_at
    assert max(levels[:at]) < 1 < min(levels[at:])
    ends = np.stack([np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)])
    for altered in at_levels("gamma", ends):
        np.testing.assert_array_equal(altered, ends)


@pytest.mark.parametrize("name", ON_CROP)
def test_colours_keep_their_places(name: str) -> None:
    colour = [200, 40, 60]
    plain = np.broadcast_to(np.array(colour, np.uint8), (2, 64, 64, 3)).copy()
    for altered in at_levels(name, plain):
        means = altered.mean(axis=(0, 1, 2))
        assert np.argsort(means).tolist() == np.argsort(colour).tolist()
        if name != "gamma":  # which is there to change brightness
            np.testing.assert_allclose(means, colour, atol=16)


def test_fewer_frames_are_spread_over_each_video_with_all_their_faces() -> None:
    rows = [(v, frame, t) for v in "ab" for frame in range(0, 64, 4) for t in range(2)]
    crops = pd.DataFrame([*rows, ("c", 7, 0)], columns=["video", "frame", "track"])
    kept = fewer_frames(crops.sample(frac=1, random_state=1), 4)
    for video in "ab":
        frames = kept[kept["video"] == video].groupby("frame")["track"].nunique()
        assert frames.to_dict() == {8: 2, 24: 2, 40: 2, 56: 2}
    assert kept[kept["video"] == "c"]["frame"].tolist() == [7]
    assert len(fewer_frames(crops, 16)) == len(crops)


@pytest.mark.parametrize("perturbation", PERTURBATIONS.values(), ids=list(PERTURBATIONS))
def test_levels_lie_on_an_axis(perturbation: Perturbation) -> None:
    levels = list(perturbation.levels)
    assert len(set(levels)) == len(levels)
    assert levels in (sorted(levels), sorted(levels, reverse=True))
    assert 0 <= perturbation.clean_at <= len(levels)
