import keras
import numpy as np
import pytest

from dfd.train.loop.batchnorm import TrainingMode, batchnorm_layers, reestimate


def lagging_model(labels: np.ndarray, pixels: np.ndarray) -> keras.Model:
    """A network trained for so few steps that its moving statistics are far behind."""
    keras.utils.set_random_seed(0)
    inner_in = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 3, activation="relu")(inner_in)
    inner = keras.Model(inner_in, keras.layers.BatchNormalization(momentum=0.999)(x), name="inner")
    outer_in = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 3, activation="relu")(inner(outer_in))
    x = keras.layers.BatchNormalization(momentum=0.999)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(outer_in, keras.layers.Dense(2, activation="softmax")(x))
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(pixels, labels, batch_size=32, epochs=6, verbose=0)
    return model


def accuracy(model: keras.Model, pixels: np.ndarray, labels: np.ndarray, training: bool) -> float:
    scores = keras.ops.convert_to_numpy(model(pixels, training=training))
    return float((scores.argmax(axis=1) == labels).mean())


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.arange(128) % 2
    spread = np.where(labels == 1, 10, 40)[:, None, None, None]
    return rng.normal(120, spread, (128, 16, 16, 3)).astype(np.float32), labels


def test_inference_agrees_with_training_afterwards(data) -> None:
    pixels, labels = data
    model = lagging_model(labels, pixels)
    before = accuracy(model, pixels, labels, training=False)
    reestimate(TrainingMode(model), [pixels[:64], pixels[64:]])
    after = accuracy(model, pixels, labels, training=False)
    in_training = accuracy(model, pixels, labels, training=True)
    assert in_training > 0.9
    assert before < 0.7
    assert after == pytest.approx(in_training, abs=0.05)


def test_statistics_of_uneven_batches_are_those_of_all_crops(data) -> None:
    pixels, labels = data
    model = lagging_model(labels, pixels)
    reestimate(TrainingMode(model), [pixels[:100], pixels[100:]])
    conv = model.get_layer("inner").layers[1]
    features = keras.ops.convert_to_numpy(conv(pixels)).astype(np.float64)
    first = next(batchnorm_layers(model))
    np.testing.assert_allclose(first.moving_mean, features.mean(axis=(0, 1, 2)), rtol=1e-3)
    np.testing.assert_allclose(first.moving_variance, features.var(axis=(0, 1, 2)), rtol=1e-3)
    assert first.momentum == 0.999


def test_a_second_time_changes_nothing_and_frozen_layers_keep_theirs(data) -> None:
    pixels, labels = data
    model = lagging_model(labels, pixels)
    inner, outer = batchnorm_layers(model)
    inner.trainable = False
    kept = np.array(inner.moving_mean)
    reestimate(TrainingMode(model), [pixels])
    np.testing.assert_array_equal(inner.moving_mean, kept)
    once = np.array(outer.moving_mean)
    assert not np.array_equal(once, kept)
    reestimate(TrainingMode(model), [pixels])
    np.testing.assert_array_equal(outer.moving_mean, once)
