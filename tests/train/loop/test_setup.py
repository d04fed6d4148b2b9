import subprocess
import sys

import keras
import numpy as np
import pytest

from dfd.detector.keras_file import weights_sha256
from dfd.errors import TrainError
from dfd.train.loop.setup import Placement, Setup, choose_setup
from tests.data import ROOT
from tests.train.conftest import SMALL

# Trains in a fresh process and says how: the backend is chosen when Keras is imported.
TRAIN = """
import sys
from pathlib import Path
from dfd.train.loop.setup import choose_setup
from tests.train.conftest import SMALL, run, synthetic_crops

params = SMALL.model_copy(update={
    "epochs": 3, "augment": True, "sampling": "paired", "self_blended": 0.5, "devices": devices,
})
steps = []
fitted = run(
    synthetic_crops(24, 1, fakes=0.7), synthetic_crops(10, 2), params, Path(folder) / "state.npz",
    on_step=lambda step, of: steps.append((step, of)),
)
last = fitted.history[-1]
setup = choose_setup(params)
print(setup.backend, setup.devices, steps[-1], "tensorflow" in sys.modules)
print(last.val_frame_auc, last.loss)
"""
NO_TENSORFLOW = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""
TWO_CPUS = """
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
"""


def trained(folder, before: str, devices: int, **environment: str) -> tuple[str, float]:
    """Train in a process of its own; return how, and the validation AUC over crops."""
    script = f"{before}\nfolder, devices = {str(folder)!r}, {devices}\n{TRAIN}"
    ended = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PATH": "", "PYTHONPATH": str(ROOT), **environment},
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    how, figures = ended.stdout.strip().splitlines()[-2:]
    assert np.isfinite([float(figure) for figure in figures.split()]).all()
    return how, float(figures.split()[0])


def test_jax_trains_where_there_is_no_tensorflow(tmp_path) -> None:
    how, frame_auc = trained(tmp_path, NO_TENSORFLOW, 1, KERAS_BACKEND="jax")
    assert how == "jax 1 (9, 9) False"
    assert frame_auc > 0.9


def test_jax_shares_a_batch_among_devices(tmp_path) -> None:
    two = {"KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    how, frame_auc = trained(tmp_path, NO_TENSORFLOW, 2, **two)
    assert how == "jax 2 (9, 9) False"
    assert frame_auc > 0.9


def test_tensorflow_shares_a_batch_among_devices(tmp_path) -> None:
    how, frame_auc = trained(tmp_path, TWO_CPUS, 2)
    assert how == "tensorflow 2 (9, 9) True"  # as many steps as one device takes
    assert frame_auc > 0.9


def test_a_cpu_computes_in_float32_without_xla() -> None:
    assert choose_setup(SMALL) == Setup("tensorflow", "cpu", 1, "float32", xla=False)


def test_what_the_parameters_say_goes() -> None:
    explicit = SMALL.model_copy(update={"precision": "mixed_bfloat16", "xla": True})
    assert choose_setup(explicit) == Setup("tensorflow", "cpu", 1, "mixed_bfloat16", xla=True)


def test_more_devices_than_there_are_is_an_error() -> None:
    with pytest.raises(TrainError, match=r"^train.devices: 8 asked for, but this machine has 1"):
        choose_setup(SMALL.model_copy(update={"devices": 8}))


def test_the_precision_ends_with_its_context() -> None:
    with Placement(Setup("tensorflow", "cpu", 1, "mixed_bfloat16", xla=False)).scope():
        assert keras.layers.Dense(1).compute_dtype == "bfloat16"
    assert keras.layers.Dense(1).compute_dtype == "float32"


def test_a_detector_trained_in_bfloat16_is_kept_in_float32(crops, tmp_path) -> None:
    from tests.train.conftest import run

    mixed = SMALL.model_copy(update={"precision": "mixed_bfloat16", "epochs": 1})
    fitted = run(crops(8, seed=1), crops(4, seed=2), mixed, tmp_path / "state.npz")
    assert {layer.compute_dtype for layer in fitted.model.get_layer("backbone").layers} == {
        "float32"
    }
    assert weights_sha256(fitted.model)
