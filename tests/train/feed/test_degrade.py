import cv2
import numpy as np
import pytest

from dfd.train.feed.degrade import as_video, compressed
from tests.train.faces import SIDES, face_crop


@pytest.mark.parametrize("side", SIDES)
def test_same_state_same_bytes_and_the_crops_are_untouched(side: int) -> None:
    crops = np.stack([face_crop(side, 1), face_crop(side, 2)])
    kept = crops.copy()
    for seed in range(12):
        once = as_video(crops, np.random.default_rng(seed))
        assert once.shape == crops.shape
        assert once.dtype == np.uint8
        np.testing.assert_array_equal(once, as_video(crops, np.random.default_rng(seed)))
    np.testing.assert_array_equal(crops, kept)


def test_a_pair_is_degraded_alike_and_as_each_would_be_alone() -> None:
    one, other = face_crop(seed=1), face_crop(seed=2)
    for seed in range(60):
        twice = as_video(np.stack([one, one]), np.random.default_rng(seed))
        np.testing.assert_array_equal(twice[0], twice[1])
        pair = as_video(np.stack([one, other]), np.random.default_rng(seed))
        np.testing.assert_array_equal(pair[0], twice[0])
        alone = as_video(other[None], np.random.default_rng(seed))[0]
        np.testing.assert_array_equal(pair[1], alone)


def test_all_are_changed_some_little_and_some_much() -> None:
    crop = face_crop()
    sharp = np.abs(cv2.Laplacian(crop, cv2.CV_32F)).mean()
    results = [as_video(crop[None], np.random.default_rng(seed))[0] for seed in range(200)]
    assert not any(np.array_equal(one, crop) for one in results)
    kept = np.array([np.abs(cv2.Laplacian(one, cv2.CV_32F)).mean() / sharp for one in results])
    assert 0.1 < np.mean(kept < 0.4) < 0.8
    assert 0.05 < np.mean(kept > 0.65) < 0.6


def test_the_block_grid_lies_at_any_offset() -> None:
    ramp = np.linspace(0, 255, 96).astype(np.uint8)
    crop = np.repeat(np.add.outer(ramp // 2, ramp // 2)[..., None], 3, axis=2).astype(np.uint8)
    crop = cv2.add(crop, face_crop(96) // 4)
    at = []
    for seed in range(60):
        (one,) = compressed(crop[None], np.random.default_rng(seed))
        steps = np.abs(np.diff(one.astype(float).mean(axis=2), axis=1)).mean(axis=0)
        at.append(int(np.argmax([steps[offset::8].mean() for offset in range(8)])))
    assert set(at) == set(range(8))
    assert max(at.count(offset) for offset in range(8)) < 20
