import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

from dfd.detector.keras_file import load_keras_model, save_model
from dfd.detector.network import fake_scores, load_detector
from dfd.errors import DetectorError
from dfd.onnx import open_session
from dfd.train.export import to_onnx
from dfd.train.export.to_onnx import export_onnx
from dfd.train.loop.validation import fake_scores as keras_scores
from dfd.train.networks.backbones import build_model
from tests.data import ROOT
from tests.detectors import copy_untrained
from tests.train.jax_run import NO_TENSORFLOW


def noise(count: int, size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def lively(backbone: str, size: int) -> keras.Model:
    """Return a network whose statistics and offsets are not those of the first step."""
    model, _ = build_model(backbone, "none", size, 0.2, seed=5)
    rng = np.random.default_rng(1)
    for weight in model.weights:
        if weight.name in ("moving_mean", "beta", "bias"):
            weight.assign(rng.normal(0, 0.1, weight.shape))
        elif weight.name in ("moving_variance", "gamma"):
            weight.assign(rng.uniform(0.6, 1.4, weight.shape))
    return model


@pytest.mark.parametrize(
    ("backbone", "size"),
    [("mobilenetv3-small", 64), pytest.param("mesonet", 64, marks=pytest.mark.slow)],
)
def test_the_exported_network_scores_as_the_keras_one(backbone, size, tmp_path) -> None:
    model = lively(backbone, size)
    save_model(model, tmp_path / "model.keras")
    assert export_onnx(tmp_path / "model.keras", tmp_path / "model.onnx", noise(8, size)) < 1e-4
    session = open_session((tmp_path / "model.onnx").read_bytes())
    for count in (0, 1, 19):
        crops = noise(count, size)
        ours, theirs = fake_scores(session, crops), keras_scores(model, crops)
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["model.keras", "model.onnx"]
    assert_lean(tmp_path / "model.onnx")


def assert_lean(network: Path) -> None:
    used = [node.op_type for node in onnx.load(network).graph.node]
    assert "BatchNormalization" not in used
    assert used.count("Transpose") <= 2, "from NHWC, and before a flattening"


def test_mesonet_is_exported_and_scores_as_the_keras_one(tmp_path, tmp_path_factory) -> None:
    directory = copy_untrained(tmp_path_factory, tmp_path / "untrained")
    assert_lean(directory / "model.onnx")
    detector, model = load_detector(directory), load_keras_model(directory)
    crops = noise(19, detector.card.input_size)
    np.testing.assert_allclose(detector.predict(crops), keras_scores(model, crops), atol=1e-5)


def test_grouped_convolutions_and_gelu_are_exported(tmp_path) -> None:
    x = pixels = keras.Input((32, 32, 3), name="pixels")
    x = keras.layers.Conv2D(8, 3, activation="gelu")(x)
    x = keras.layers.Conv2D(8, 3, groups=4, activation="gelu")(x)
    x = keras.layers.LayerNormalization()(keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(pixels, keras.layers.Dense(2, activation="softmax")(x))
    save_model(model, tmp_path / "model.keras")
    assert export_onnx(tmp_path / "model.keras", tmp_path / "model.onnx", noise(4, 32)) < 1e-5


def test_scores_that_are_not_those_of_keras_are_an_error(tmp_path) -> None:
    pixels = keras.Input((8, 8, 3), name="pixels")
    features = keras.layers.GlobalAveragePooling2D()(pixels)
    model = keras.Model(pixels, keras.layers.Dense(2, activation="softmax")(features))
    model.set_weights([np.full_like(values, np.nan) for values in model.get_weights()])
    save_model(model, tmp_path / "model.keras")
    with pytest.raises(DetectorError, match=r"^the scores of model.onnx differ from Keras' by nan"):
        export_onnx(tmp_path / "model.keras", tmp_path / "model.onnx", noise(2, 8))


@pytest.mark.slow
def test_another_number_than_keras_says_is_an_error(tmp_path, monkeypatch) -> None:
    save_model(lively("mesonet", 32), tmp_path / "model.keras")
    monkeypatch.setattr(to_onnx, "TOLERANCE", -1.0)
    with pytest.raises(DetectorError, match=r"^the scores of model.onnx differ from Keras' by"):
        export_onnx(tmp_path / "model.keras", tmp_path / "model.onnx", noise(2, 32))


def test_what_cannot_be_converted_is_one_line(tmp_path) -> None:
    (tmp_path / "model.keras").write_bytes(b"no model")
    with pytest.raises(DetectorError, match=r"^the network cannot be exported to model.onnx \(Val"):
        export_onnx(tmp_path / "model.keras", tmp_path / "model.onnx", noise(2, 32))
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


def test_without_tensorflow_the_error_says_what_to_install(tmp_path: Path) -> None:
    script = f"""{NO_TENSORFLOW}
from pathlib import Path
import numpy as np
from dfd.errors import DetectorError
from dfd.train.export.to_onnx import export_onnx
try:
    export_onnx(Path("model.keras"), Path("model.onnx"), np.empty((0, 32, 32, 3), np.uint8))
except DetectorError as error:
    print(error)
"""
    ended = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert "pip install tensorflow, then run again: what is trained is kept" in ended.stdout
    assert not list(tmp_path.iterdir())
