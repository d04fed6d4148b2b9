import numpy as np

from dfd.train.augment import augment


def crop() -> np.ndarray:
    ramp = np.linspace(20, 220, 48)
    image = np.stack([ramp[:, None] + 0 * ramp, ramp + 0 * ramp[:, None], 0 * ramp[:, None] + ramp])
    noise = np.random.default_rng(0).normal(0, 6, (48, 48, 3))
    return np.clip(np.moveaxis(image, 0, -1) + noise, 0, 255).astype(np.uint8)


def test_same_generator_state_same_crop_and_the_original_is_untouched() -> None:
    original = crop()
    kept = original.copy()
    for seed in range(40):
        once = augment(original, np.random.default_rng(seed))
        again = augment(original, np.random.default_rng(seed))
        np.testing.assert_array_equal(once, again)
        assert once.shape == original.shape
        assert once.dtype == np.uint8
    np.testing.assert_array_equal(original, kept)


def test_alterations_vary_but_stay_mild() -> None:
    original = crop().astype(float)
    changes = []
    for seed in range(200):
        altered = augment(crop(), np.random.default_rng(seed)).astype(float)
        unmirrored = min(
            np.abs(altered - original).mean(), np.abs(altered[:, ::-1] - original).mean()
        )
        changes.append(unmirrored)
    assert len({round(change, 3) for change in changes}) > 100
    assert max(changes) < 60
    # Some crops come through untouched but for the mirror, so that fine traces can be learned.
    assert np.mean(np.array(changes) == 0) > 0.08


def test_colours_keep_their_places() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    for seed in range(60):
        altered = augment(red, np.random.default_rng(seed)).reshape(-1, 3).mean(axis=0)
        assert altered.argmax() == 0
