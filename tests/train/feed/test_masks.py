import numpy as np
import pytest

from dfd.train.feed.masks import face_mask
from tests.train.faces import SIDES, landmarks, unusable_landmarks


def mask(side: int = 128, seed: int = 0, points: np.ndarray | None = None) -> np.ndarray:
    points = landmarks(side) if points is None else points
    return face_mask(side, points, np.random.default_rng(seed))


@pytest.mark.parametrize("side", SIDES)
def test_a_mask_covers_some_of_the_face_and_none_of_the_corners(side: int) -> None:
    edge = side // 10
    for seed in range(100):
        drawn = mask(side, seed)
        assert drawn.shape == (side, side)
        assert drawn.dtype == np.float32
        assert drawn.min() >= 0
        assert 0.5 < drawn.max() <= 1
        assert 0.005 < drawn.mean() < 0.5
        for corner in (np.s_[:edge, :edge], np.s_[:edge, -edge:]):
            assert drawn[corner].max() == 0
            assert drawn[::-1][corner].max() == 0


def test_shapes_sizes_and_edges_vary() -> None:
    drawn = [mask(seed=seed) for seed in range(200)]
    areas = np.array([one.mean() for one in drawn])
    heights = np.array([(one > 0.5).any(axis=1).sum() for one in drawn])
    steepness = np.array([np.abs(np.diff(one, axis=0)).max() for one in drawn])
    assert len(set(areas.tolist())) > 190
    assert np.quantile(areas, 0.9) > 2.5 * np.quantile(areas, 0.1)
    assert np.quantile(heights, 0.9) > 2 * np.quantile(heights, 0.1)
    assert np.quantile(steepness, 0.9) > 3 * np.quantile(steepness, 0.1)
    # Some cover the upper, others the lower half of the face alone.
    tops = np.array([one[54:].sum() / one.sum() for one in drawn])
    assert (tops > 0.95).any()
    assert (tops < 0.6).any()


def test_masks_follow_the_landmarks() -> None:
    def centre(points: np.ndarray) -> np.ndarray:
        total = np.sum([mask(seed=seed, points=points) for seed in range(60)], axis=0)
        ys, xs = np.indices(total.shape)
        return np.array([(xs * total).sum(), (ys * total).sum()]) / total.sum()

    small = (landmarks() - 64) * 0.6 + 64
    shift = np.array([12, -9])
    moved = centre(small + shift) - centre(small - shift)
    np.testing.assert_allclose(moved, 2 * shift, atol=1.5)


def test_same_generator_state_same_mask() -> None:
    np.testing.assert_array_equal(mask(seed=4), mask(seed=4))
    assert not np.array_equal(mask(seed=4), mask(seed=5))


@pytest.mark.parametrize("case", unusable_landmarks())
@pytest.mark.parametrize("side", SIDES)
def test_unusable_landmarks_leave_a_mask_in_the_middle(case: str, side: int) -> None:
    points = unusable_landmarks(side)[case]
    for seed in range(20):
        drawn = mask(side, seed, points)
        assert 0.005 < drawn.mean() < 0.5
        assert drawn[side // 4 : -side // 4, side // 4 : -side // 4].max() > 0.4
