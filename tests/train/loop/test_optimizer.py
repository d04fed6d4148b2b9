import keras
import numpy as np
import pytest

from dfd.train.loop.optimizer import build_optimizer


def fitted(steps: int, **changes: float) -> tuple[keras.Model, object, list[np.ndarray]]:
    """Fit a line for some steps; return the model, its optimizer and the kernel after each."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    settings = {
        "learning_rate": 0.1,
        "steps": steps,
        "weight_decay": 0.0,
        "clip_norm": 1e9,
        "ema_decay": 0,
    }
    optimizer = build_optimizer(**{**settings, **changes})  # type: ignore[arg-type]
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(0)
    kernels = []
    for _ in range(steps):
        x = rng.normal(size=(8, 2)).astype(np.float32)
        model.fit(x, x @ np.array([[1.0], [-1.0]], np.float32), batch_size=8, verbose=0)
        kernels.append(np.array(model.layers[0].kernel))
    return model, optimizer, kernels


def test_the_rate_climbs_over_a_tenth_and_falls_to_nothing() -> None:
    optimizer, values = build_optimizer(0.1, 100, 0, 1, 0), []
    for step in range(101):
        optimizer.iterations.assign(step)
        values.append(float(optimizer.learning_rate))
    assert values[0] == pytest.approx(0.01)
    assert int(np.argmax(values)) == 10
    assert max(values) == pytest.approx(0.1)
    assert values[100] == pytest.approx(0, abs=1e-9)
    assert all(np.diff(values[10:]) < 0)


def test_the_average_follows_from_the_first_step_and_does_not_replace_the_weights() -> None:
    model, optimizer, kernels = fitted(12, ema_decay=0.99)
    keras.utils.set_random_seed(1)
    untrained = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    expected = np.array(untrained.layers[0].kernel)
    for step, kernel in enumerate(kernels):
        decay = min(0.99, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * kernel
    averages = optimizer.averages()  # type: ignore[attr-defined]
    np.testing.assert_allclose(averages[model.layers[0].kernel.path], expected, rtol=1e-4)
    np.testing.assert_array_equal(model.layers[0].kernel, kernels[-1])


def test_without_a_decay_there_is_no_average() -> None:
    assert fitted(2)[1].averages() == {}  # type: ignore[attr-defined]


def test_the_weights_are_those_of_keras_adamw() -> None:
    model, _, kernels = fitted(12, weight_decay=0.01)
    keras.utils.set_random_seed(1)
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    adamw = keras.optimizers.AdamW(0.1, weight_decay=0.01, global_clipnorm=1e9)
    adamw.exclude_from_weight_decay(var_names=["bias"])
    other.compile(adamw, "mse")
    schedule = build_optimizer(0.1, 12, 0.01, 1e9, 0)
    rng = np.random.default_rng(0)
    for step, kernel in enumerate(kernels):
        schedule.iterations.assign(step)
        adamw.learning_rate = float(schedule.learning_rate)
        x = rng.normal(size=(8, 2)).astype(np.float32)
        other.fit(x, x @ np.array([[1.0], [-1.0]], np.float32), batch_size=8, verbose=0)
        np.testing.assert_allclose(other.layers[0].kernel, kernel, rtol=1e-6)
    np.testing.assert_allclose(other.layers[0].bias, model.layers[0].bias, rtol=1e-6)


def test_kernels_decay_and_biases_do_not() -> None:
    still, _, _ = fitted(1, weight_decay=0.0, learning_rate=0.5)
    decayed, _, _ = fitted(1, weight_decay=0.1, learning_rate=0.5)
    np.testing.assert_array_equal(still.layers[0].bias, decayed.layers[0].bias)
    assert not np.allclose(still.layers[0].kernel, decayed.layers[0].kernel)


def test_gradients_are_clipped_together() -> None:
    free = fitted(3)[2][-1]
    clipped = fitted(3, clip_norm=1e-9)[2][-1]
    assert not np.allclose(free, clipped)
