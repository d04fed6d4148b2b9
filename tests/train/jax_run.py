"""One training run with JAX, in a process without TensorFlow, for all tests."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.data import ROOT
from tests.shared import make_once

NO_TENSORFLOW = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""
# Trains in a fresh process and says how: the backend is chosen when Keras is imported.
TRAIN = """
import json, sys
from pathlib import Path
from dfd.train.loop.setup import choose_setup
from tests.train.runs import SMALL, run, synthetic_crops

params = SMALL.model_copy(update={
    "epochs": 3, "augment": True, "sampling": "paired", "self_blended": 0.5, "devices": devices,
})
steps = []
fitted = run(
    synthetic_crops(24, 1, fakes=0.7), synthetic_crops(10, 2), params, Path("state.npz"),
    on_step=lambda step, of: steps.append((step, of)),
)
last, setup = fitted.history[-1], choose_setup(params)
how = [setup.backend, setup.devices, *steps[-1], "tensorflow" in sys.modules]
outcome = {"how": how, "frame_auc": last.val_frame_auc, "loss": last.loss}
"""
# Replaces a detector. The export needs TensorFlow, in a process of its own.
SAVE = """
sys.meta_path.pop(0)
import numpy as np
import pandas as pd
from benchmarks.detectors import card_of
from dfd.detector.keras_file import weights_sha256
from dfd.detector.network import load_detector, resized
from dfd.train.export.saving import save_detector
from dfd.train.loop.validation import fake_scores
from tests.detectors import write_detector

directory = write_detector(Path("small"), candidate="former")
card = card_of(input_size=64, weights_sha256=weights_sha256(fitted.model))
crops = np.random.default_rng(2).integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)
save_detector(directory, fitted.model, card, pd.DataFrame({"epoch": [1], "loss": [0.5]}), crops)
theirs = fake_scores(fitted.model, resized(crops, 64))
outcome["difference"] = float(np.abs(load_detector(directory).predict(crops) - theirs).max())
"""
KEEP = """
Path("outcome.json").write_text(json.dumps(outcome))
"""


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes:
        how: Backend, number of devices, last step, steps of an epoch, and whether the process had
            imported TensorFlow.
        frame_auc: Validation AUC over crops.
        loss: Training loss of the last epoch.
        difference: Greatest difference of the exported detector's scores from Keras', if exported.
    """

    how: list[object]
    frame_auc: float
    loss: float
    difference: float | None = None


def train(folder: Path, script: str, devices: int, **environment: str) -> Outcome:
    """Run a script that ends in ``TRAIN``, or in what comes after it, in a process of its own.

    Args:
        folder: Folder to run in; it exists.
        script: The program, without the number of devices and the keeping of the outcome.
        devices: Number of devices that share a batch.
        environment: Variables of the process, which inherits none.
    """
    ended = subprocess.run(
        [sys.executable, "-c", f"devices = {devices}\n{script}{KEEP}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), **environment},
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return _outcome(folder)


def trained_by_jax(factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """Return a run of two devices, made once, and the detector that it has exported."""

    def make(folder: Path) -> None:
        folder.mkdir()
        two = "--xla_force_host_platform_device_count=2"
        script = f"{NO_TENSORFLOW}{TRAIN}{SAVE}"
        train(folder, script, 2, KERAS_BACKEND="jax", XLA_FLAGS=two)

    folder = make_once(factory, "jax", make)
    return _outcome(folder), folder / "small"


def _outcome(folder: Path) -> Outcome:
    return Outcome(**json.loads((folder / "outcome.json").read_text()))
