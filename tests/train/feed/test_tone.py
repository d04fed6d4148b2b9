import keras
import numpy as np

from dfd.train.feed.tone import (
    TONE_FIELDS,
    UNCHANGED,
    ToneAugmentation,
    draw_tone,
    with_tone_augmentation,
)
from dfd.train.networks.backbones import build_model


def seen(pixels: np.ndarray, **changes: float) -> np.ndarray:
    tone = UNCHANGED.copy()
    for name, value in changes.items():
        tone[TONE_FIELDS.index(name)] = value
    return keras.ops.convert_to_numpy(ToneAugmentation()(pixels[None], tone[None]))[0]


CROP = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def test_an_unchanged_tone_leaves_the_pixels() -> None:
    np.testing.assert_allclose(seen(CROP), CROP, atol=0.01)


def test_a_mirror_swaps_left_and_right_alone() -> None:
    np.testing.assert_allclose(seen(CROP, mirror=1), CROP[:, ::-1], atol=0.01)


def test_each_number_does_what_its_name_says() -> None:
    grey = np.full((2, 2, 3), 100, np.uint8)
    assert (seen(grey, gamma=1.2) < 100).all()
    assert (seen(grey, contrast=1.2) < 100).all()  # darker than the middle: further from it
    np.testing.assert_allclose(seen(grey, brightness=0.1), 125.5, atol=0.01)
    np.testing.assert_allclose(seen(grey, red=1.1)[0, 0], [110, 100, 100], atol=0.01)
    np.testing.assert_allclose(seen(grey, blue=0.9)[0, 0], [100, 100, 90], atol=0.01)


def test_the_result_stays_in_range() -> None:
    for brightness in (-1.0, 1.0):
        result = seen(CROP, brightness=brightness)
        assert result.min() >= 0
        assert result.max() <= 255


def test_half_are_mirrored_and_half_of_another_tone() -> None:
    tones = np.stack([draw_tone(np.random.default_rng(seed)) for seed in range(1000)])
    assert 0.4 < tones[:, 0].mean() < 0.6
    assert 0.4 < (tones[:, 1:] == UNCHANGED[1:]).all(axis=1).mean() < 0.6
    assert tones[:, 1].min() < 0.85
    assert tones[:, 1].max() > 1.2


def test_a_detector_behind_the_augmentation_is_the_same_detector() -> None:
    detector, _ = build_model("mesonet", "none", 32, 0.1, seed=1)
    crops = np.random.default_rng(1).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    tones = np.tile(UNCHANGED, (4, 1))
    plain = keras.ops.convert_to_numpy(detector(crops))
    np.testing.assert_allclose(with_tone_augmentation(detector)([crops, tones]), plain, atol=1e-5)
    mirrored = tones.copy()
    mirrored[:, 0] = 1
    np.testing.assert_allclose(
        with_tone_augmentation(detector)([crops, mirrored]), detector(crops[:, :, ::-1]), atol=1e-5
    )
