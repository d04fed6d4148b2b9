from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.detectors import card_of
from dfd.detector.card import load_card
from dfd.detector.keras_file import weights_sha256
from dfd.detector.network import load_detector
from dfd.errors import DetectorError
from dfd.train.export import saving
from dfd.train.export.saving import save_detector
from dfd.train.networks.backbones import build_model
from tests.detectors import write_detector
from tests.train.jax_run import trained_by_jax

CROPS = np.random.default_rng(2).integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)
FILES = ["detector.json", "history.csv", "model.keras", "model.onnx"]


def test_what_jax_has_trained_is_exported_in_place_of_another_and_scores_alike(
    tmp_path_factory,
) -> None:
    outcome, directory = trained_by_jax(tmp_path_factory)
    assert load_card(directory).candidate == "small"
    assert sorted(path.name for path in directory.iterdir()) == FILES
    assert load_detector(directory).predict(CROPS).shape == (3,)
    assert outcome.difference is not None
    assert outcome.difference < 1e-5


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch) -> None:
    directory = write_detector(tmp_path / "models" / "small")
    before = load_card(directory).sha256
    model, _ = build_model("mesonet", "none", 32, 0.2, seed=4)
    card = card_of(input_size=32, weights_sha256=weights_sha256(model))
    history = pd.DataFrame({"epoch": [1], "loss": [0.5]})

    def no_export(*_: object) -> None:
        raise DetectorError("the network cannot be exported")

    monkeypatch.setattr(saving, "export_onnx", no_export)
    with pytest.raises(DetectorError, match=r"models/small: the network cannot be exported"):
        save_detector(directory, model, card, history, CROPS)

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saving, "save_model", full_disk)
    with pytest.raises(DetectorError, match=r"small: cannot be written \(No space left on"):
        save_detector(directory, model, card, history, CROPS)
    assert load_card(directory).sha256 == before
    assert load_detector(directory).predict(CROPS).shape == (3,)
    assert [path.name for path in directory.parent.iterdir()] == ["small"]
