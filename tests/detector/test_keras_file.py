import json
import shutil
import zipfile
from pathlib import Path

import keras
import pytest

from dfd.detector.keras_file import load_keras_model, save_model, weights_sha256
from dfd.errors import DetectorError
from dfd.train.networks.backbones import build_model
from tests.detectors import write_detector


@pytest.fixture(scope="module")
def model() -> keras.Model:
    built: keras.Model = build_model("mesonet", "none", 32, 0.2, seed=4)[0]
    built.compile("adam", "categorical_crossentropy")
    return built


@pytest.fixture(scope="module")
def detector(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models") / "small"
    write_detector(directory, weights_sha256=weights_sha256(model))
    save_model(model, directory / "model.keras")
    return directory


def test_a_model_comes_back_with_its_weights(model: keras.Model, detector: Path) -> None:
    assert weights_sha256(load_keras_model(detector)) == weights_sha256(model)


def test_it_carries_no_optimizer(detector: Path) -> None:
    with zipfile.ZipFile(detector / "model.keras") as archive:
        assert b"optimizer" not in archive.read("model.weights.h5")


def test_a_model_that_is_missing_damaged_or_foreign_is_one_line(
    detector: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(detector, tmp_path / "broken")
    path, card = broken / "model.keras", json.loads((broken / "detector.json").read_text())
    whole = path.read_bytes()
    path.unlink()
    with pytest.raises(DetectorError, match=r"model.keras: missing; run `dvc checkout`"):
        load_keras_model(broken)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DetectorError, match=r"model.keras: damaged"):
        load_keras_model(broken)
    path.write_bytes(whole)
    (broken / "detector.json").write_text(json.dumps({**card, "weights_sha256": "0"}))
    with pytest.raises(DetectorError, match=r"model.keras: not the weights its detector.json"):
        load_keras_model(broken)
