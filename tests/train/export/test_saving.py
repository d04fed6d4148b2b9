import subprocess
import sys
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
from tests.data import ROOT
from tests.detectors import write_detector

CROPS = np.random.default_rng(2).integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)
FILES = ["detector.json", "history.csv", "model.keras", "model.onnx"]
HISTORY = pd.DataFrame({"epoch": [1], "loss": [0.5]})


def test_saving_replaces_and_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch) -> None:
    model, _ = build_model("mesonet", "none", 32, 0.2, seed=4)
    card = card_of(input_size=32, weights_sha256=weights_sha256(model))
    directory = tmp_path / "models" / "small"
    write_detector(directory, candidate="former")
    save_detector(directory, model, card, HISTORY, CROPS)
    assert load_card(directory).candidate == "small"
    assert sorted(path.name for path in directory.iterdir()) == FILES
    assert load_detector(directory).predict(CROPS).shape == (3,)
    before = load_card(directory).sha256

    def no_export(*_: object) -> None:
        raise DetectorError("the network cannot be exported")

    monkeypatch.setattr(saving, "export_onnx", no_export)
    with pytest.raises(DetectorError, match=r"models/small: the network cannot be exported"):
        save_detector(directory, model, card, HISTORY, CROPS)

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saving, "save_model", full_disk)
    with pytest.raises(DetectorError, match=r"small: cannot be written \(No space left on"):
        save_detector(directory, model, card, HISTORY, CROPS)
    assert load_card(directory).sha256 == before
    assert [path.name for path in directory.parent.iterdir()] == ["small"]


JAX = """
from pathlib import Path
import numpy as np
from dfd.detector.network import load_detector
from dfd.detector.keras_file import weights_sha256
from dfd.train.networks.backbones import build_model
from dfd.train.export.saving import save_detector
from dfd.train.loop.validation import fake_scores
from benchmarks.detectors import card_of
from tests.train.export.test_saving import CROPS, HISTORY

model, _ = build_model("mesonet", "none", 40, 0.2, seed=4)
card = card_of(input_size=40, weights_sha256=weights_sha256(model))
save_detector(Path("small"), model, card, HISTORY, CROPS)
print(np.abs(load_detector(Path("small")).predict(CROPS) - fake_scores(model, CROPS)).max())
"""


def test_what_jax_has_trained_is_exported_and_scores_alike(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", JAX],
        env={"PYTHONPATH": str(ROOT), "KERAS_BACKEND": "jax"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert float(ended.stdout.split()[-1]) < 1e-5
