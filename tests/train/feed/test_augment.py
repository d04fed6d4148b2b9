import numpy as np
import pytest

from dfd.train.feed.augment import augment
from tests.train.faces import SIDES, face_crop, landmarks, unusable_landmarks


def altered(crops: np.ndarray, seed: int) -> np.ndarray:
    return augment(crops, landmarks(crops.shape[1]), np.random.default_rng(seed))


@pytest.mark.parametrize("side", SIDES)
def test_same_state_same_bytes_and_the_crops_are_untouched(side: int) -> None:
    crops = np.stack([face_crop(side, 1), face_crop(side, 2)])
    kept = crops.copy()
    for seed in range(25):
        once = altered(crops, seed)
        assert once.shape == crops.shape
        assert once.dtype == np.uint8
        np.testing.assert_array_equal(once, altered(crops, seed))
        assert not np.shares_memory(once, crops)
    np.testing.assert_array_equal(crops, kept)


def test_a_pair_is_altered_alike_and_as_each_would_be_alone() -> None:
    one, other = face_crop(seed=1), face_crop(seed=2)
    for seed in range(150):
        twice = altered(np.stack([one, one]), seed)
        np.testing.assert_array_equal(twice[0], twice[1])
        pair = altered(np.stack([one, other]), seed)
        np.testing.assert_array_equal(pair[0], twice[0])
        np.testing.assert_array_equal(pair[1], altered(other[None], seed)[0])


def test_alterations_vary_but_stay_mild() -> None:
    crop = face_crop()
    results = [altered(crop[None], seed)[0] for seed in range(300)]
    changes = np.array([np.abs(one.astype(float) - crop).mean() for one in results])
    assert len({round(change, 3) for change in changes}) > 100
    assert changes.max() < 40
    # Many come through untouched, so that fine traces can be learned.
    assert 0.35 < np.mean(changes == 0) < 0.55


def test_parts_of_the_face_are_hidden_now_and_then() -> None:
    """A painted part leaves flat pixels, which no grain has; at each landmark at times."""
    crop, places = face_crop(), landmarks().round().astype(int)
    hidden = np.zeros(5)
    seeds = 600
    for seed in range(seeds):
        one = altered(crop[None], seed)[0]
        for i, (x, y) in enumerate(places):
            hidden[i] += one[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).std(axis=0).max() == 0
    assert (hidden > 0).all()
    assert hidden.max() < 0.12 * seeds


def test_colours_keep_their_places() -> None:
    red = np.zeros((1, 32, 32, 3), np.uint8)
    red[..., 0] = 200
    painted = 0
    for seed in range(100):
        colour = np.median(altered(red, seed).reshape(-1, 3), axis=0)
        painted += not np.allclose(colour, (200, 0, 0), atol=12)
    assert painted == 0


@pytest.mark.parametrize("case", unusable_landmarks())
def test_unusable_landmarks_stop_nothing(case: str) -> None:
    crop = face_crop()[None]
    for seed in range(60):
        result = augment(crop, unusable_landmarks()[case], np.random.default_rng(seed))
        assert result.shape == crop.shape
