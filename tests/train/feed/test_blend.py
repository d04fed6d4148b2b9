import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dfd.train.feed.blend import self_blend
from tests.train.faces import SIDES, face_crop, landmarks, unusable_landmarks


def pair(crop: np.ndarray, seed: int) -> np.ndarray:
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
        once = pair(crop, seed)
        assert once.shape == (2, *crop.shape)
        assert once.dtype == np.uint8
        np.testing.assert_array_equal(once, pair(crop, seed))
    np.testing.assert_array_equal(crop, kept)


def test_the_face_changes_and_its_surroundings_do_not() -> None:
    crop = face_crop()
    for seed in range(100):
        real, fake = pair(crop, seed)
        np.testing.assert_array_equal(corners(fake), corners(real))
        assert np.abs(fake[32:112, 24:104].astype(float) - real[32:112, 24:104]).mean() > 0.05


def test_either_the_face_or_all_but_the_face_is_the_altered_one() -> None:
    """Surroundings keep their colours in half of the pairs; so does the face of the REAL crop."""
    crop = face_crop()
    pairs = [pair(crop, seed) for seed in range(200)]
    kept = [
        np.abs(corners(real).mean((0, 1)) - corners(crop).mean((0, 1))).max() for real, _ in pairs
    ]
    assert 0.35 < np.mean(np.array(kept) < 3) < 0.65


def test_colour_shifts_go_either_way_and_stay_those_of_skin() -> None:
    crop = face_crop()
    shifts = np.array(
        [
            (fake.astype(float) - real)[48:96, 48:80].mean((0, 1))
            for real, fake in (pair(crop, seed) for seed in range(300))
        ]
    )
    assert (np.abs(shifts.mean(axis=0)) < 4).all()
    assert (shifts.std(axis=0) > 5).all()
    assert np.abs(shifts).max() < 70


def test_only_the_face_beside_its_surroundings_tells_a_pseudo_fake() -> None:
    """Neither detail nor colour of a face alone; detail in proportion to the surroundings does."""
    ratio, face, colour, is_fake = [], [], [], []
    for seed in range(300):
        crop = face_crop(seed=seed)
        for image, fake in zip(pair(crop, seed), (0, 1), strict=True):
            residual = np.abs(cv2.Laplacian(image, cv2.CV_32F)).mean(axis=2)
            ratio.append(np.log(residual[40:100, 40:88].mean() / residual[:, :16].mean()))
            face.append(residual[40:100, 40:88].mean())
            colour.append(image.mean(axis=(0, 1)))
            is_fake.append(fake)
    away = np.abs(np.array(ratio) - np.median(np.array(ratio)[::2]))
    assert roc_auc_score(is_fake, away) > 0.7
    for plain in (face, *np.array(colour).T):
        assert 0.4 < roc_auc_score(is_fake, plain) < 0.6


def test_a_larger_crop_is_altered_in_proportion() -> None:
    """Both sizes of one crop give the same picture, so no width is one in pixels."""
    large = cv2.GaussianBlur(face_crop(256), (0, 0), 4)
    small = cv2.resize(large, (128, 128), interpolation=cv2.INTER_AREA)
    apart = [
        np.abs(
            cv2.resize(pair(large, seed)[1], (128, 128), interpolation=cv2.INTER_AREA).astype(float)
            - pair(small, seed)[1]
        ).mean()
        for seed in range(40)
    ]
    assert np.median(apart) < 1.5


@pytest.mark.parametrize("case", unusable_landmarks())
def test_unusable_landmarks_still_give_a_pseudo_fake(case: str) -> None:
    crop = face_crop()
    for seed in range(10):
        real, fake = self_blend(crop, unusable_landmarks()[case], np.random.default_rng(seed))
        assert not np.array_equal(fake, real)
