import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dfd.train.feed.blend import self_blend
from tests.train.faces import SIDES, face_crop, landmarks, unusable_landmarks


def blended(crop: np.ndarray, seed: int) -> np.ndarray:
    return self_blend(crop, landmarks(len(crop)), np.random.default_rng(seed))


def corners(crop: np.ndarray) -> np.ndarray:
    edge = len(crop) // 10
    ends = np.r_[:edge, -edge:0]
    return crop[np.ix_(ends, ends)]


@pytest.mark.parametrize("side", SIDES)
def test_same_state_same_bytes_and_the_crop_is_untouched(side: int) -> None:
    crop = face_crop(side)
    kept = crop.copy()
    for seed in range(10):
        once = blended(crop, seed)
        assert once.shape == crop.shape
        assert once.dtype == np.uint8
        np.testing.assert_array_equal(once, blended(crop, seed))
    np.testing.assert_array_equal(crop, kept)


def test_the_face_changes_and_its_surroundings_do_not() -> None:
    crop = face_crop()
    for seed in range(100):
        fake = blended(crop, seed)
        np.testing.assert_array_equal(corners(fake), corners(crop))
        assert np.abs(fake[32:112, 32:96].astype(float) - crop[32:112, 32:96]).mean() > 0.05


def test_colour_shifts_go_either_way_and_stay_those_of_skin() -> None:
    crop = face_crop()
    shifts = np.array(
        [
            (blended(crop, seed).astype(float) - crop)[48:96, 48:80].mean((0, 1))
            for seed in range(200)
        ]
    )
    assert (np.abs(shifts.mean(axis=0)) < 4).all()
    assert (shifts.std(axis=0) > 5).all()
    assert np.abs(shifts).max() < 70


def test_fine_detail_tells_pseudo_fakes_better_than_chance_and_colour_does_not() -> None:
    """Detail of the face relative to its surroundings; unchanged by brightness and contrast."""
    detail, colour, is_fake = [], [], []
    for seed in range(150):
        crop = face_crop(seed=seed)
        for image in (crop, blended(crop, seed)):
            residual = np.abs(cv2.Laplacian(image, cv2.CV_32F)).mean(axis=2)
            detail.append(np.log(residual[40:100, 40:88].mean() / residual[:, :16].mean()))
            colour.append(image.mean(axis=(0, 1)))
            is_fake.append(image is not crop)
    away = np.abs(np.array(detail) - np.median(np.array(detail)[::2]))
    assert roc_auc_score(is_fake, away) > 0.7
    for channel in np.array(colour).T:
        assert 0.4 < roc_auc_score(is_fake, channel) < 0.6


@pytest.mark.parametrize("case", unusable_landmarks())
def test_unusable_landmarks_still_give_a_pseudo_fake(case: str) -> None:
    crop = face_crop()
    for seed in range(10):
        fake = self_blend(crop, unusable_landmarks()[case], np.random.default_rng(seed))
        assert not np.array_equal(fake, crop)
