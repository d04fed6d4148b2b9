import cv2
import numpy as np
import pytest

from dfd.compress import h264, jpeg
from tests.train.faces import SIDES, face_crop

ENCODERS = {"jpeg": (jpeg, (95, 70, 40)), "h264": (h264, (23, 31, 40))}


def pair(side: int = 128) -> np.ndarray:
    return np.stack([face_crop(side, seed=1), face_crop(side, seed=2)])


def detail(crops: np.ndarray) -> float:
    return float(np.mean([np.abs(cv2.Laplacian(crop, cv2.CV_32F)).mean() for crop in crops]))


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("side", SIDES)
def test_same_bytes_again_and_the_crops_are_untouched(name: str, side: int) -> None:
    encode, levels = ENCODERS[name]
    crops = pair(side)
    kept = crops.copy()
    once = encode(crops, levels[1])
    assert once.shape == crops.shape
    assert once.dtype == np.uint8
    np.testing.assert_array_equal(once, encode(crops, levels[1]))
    np.testing.assert_array_equal(crops, kept)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("side", SIDES)
def test_stronger_compression_loses_more(name: str, side: int) -> None:
    encode, levels = ENCODERS[name]
    crops = pair(side)
    results = [encode(crops, level) for level in levels]
    errors = [np.abs(result.astype(float) - crops).mean() for result in results]
    assert 0 < errors[0] < errors[1] < errors[2] < 15
    kept = [detail(result) / detail(crops) for result in results]
    assert 1 > kept[0] > kept[1] > kept[2]


@pytest.mark.parametrize("name", ENCODERS)
def test_colours_keep_their_places(name: str) -> None:
    encode, levels = ENCODERS[name]
    colours = np.array([(200, 40, 60), (50, 180, 70), (30, 60, 210)], np.uint8)
    plain = np.broadcast_to(colours[:, None, None], (3, 64, 64, 3)).copy()
    for level in levels:
        means = encode(plain, level).mean(axis=(1, 2))
        np.testing.assert_allclose(means, colours, atol=8)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_crop_does_not_depend_on_its_neighbours(name: str) -> None:
    encode, levels = ENCODERS[name]
    first, second = pair()
    for level in levels:
        together = encode(np.stack([first, second, first]), level)
        np.testing.assert_array_equal(together[0], together[2])
        np.testing.assert_array_equal(together[1], encode(second[None], level)[0])
