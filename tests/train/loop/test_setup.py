import keras
import numpy as np
import psutil
import pytest

from dfd.detector.keras_file import weights_sha256
from dfd.errors import TrainError
from dfd.train.loop.setup import Placement, Setup, choose_setup, memory_mb
from tests.train.jax_run import NO_TENSORFLOW, TRAIN, train, trained_by_jax
from tests.train.runs import SMALL, run

CPU = Setup("tensorflow", "cpu", 1, "float32", xla=False)
TWO_CPUS = """
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
"""


def test_jax_shares_a_batch_among_devices_where_there_is_no_tensorflow(tmp_path_factory) -> None:
    outcome, _ = trained_by_jax(tmp_path_factory)
    assert outcome.how == ["jax", 2, 9, 9, False]
    assert outcome.frame_auc > 0.9
    assert np.isfinite(outcome.loss)


@pytest.mark.slow
def test_jax_trains_on_one_device(tmp_path) -> None:
    outcome = train(tmp_path, f"{NO_TENSORFLOW}{TRAIN}", 1, KERAS_BACKEND="jax")
    assert outcome.how == ["jax", 1, 9, 9, False]
    assert outcome.frame_auc > 0.9
    assert np.isfinite(outcome.loss)


def test_tensorflow_shares_a_batch_among_devices(tmp_path) -> None:
    outcome = train(tmp_path, f"{TWO_CPUS}{TRAIN}", 2)
    assert outcome.how == ["tensorflow", 2, 9, 9, True]  # as many steps as one device takes
    assert outcome.frame_auc > 0.9
    assert np.isfinite(outcome.loss)


@pytest.mark.parametrize(
    ("instructions", "precision"),
    [("avx2 avx512f", "float32"), ("avx512f avx512_bf16", "mixed_bfloat16")],
)
def test_a_cpu_computes_in_bfloat16_if_it_has_instructions_for_it(
    instructions, precision, tmp_path, monkeypatch
) -> None:
    cpu_info = tmp_path / "cpuinfo"
    cpu_info.write_text(f"processor\t: 0\nflags\t\t: fpu {instructions}\n")
    monkeypatch.setattr("dfd.train.loop.setup._CPU_INFO", cpu_info)
    assert choose_setup(SMALL) == Setup("tensorflow", "cpu", 1, precision, xla=False)


def test_bfloat16_on_a_cpu_rounds_products_and_ends_with_its_context() -> None:
    dense = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(1000, use_bias=False)])
    values = np.random.default_rng(0).normal(size=(32, 1000)).astype(np.float32)
    exact = values @ np.asarray(dense.get_weights()[0])

    def error() -> float:
        return float(np.abs(dense.predict_on_batch(values) - exact).max())

    with Placement(Setup("tensorflow", "cpu", 1, "mixed_bfloat16", xla=False)).scope():
        dense.compile()
        assert 1e-3 < error() < 0.1
        assert dense.layers[0].compute_dtype == "float32"
    assert error() < 1e-4


def test_what_the_parameters_say_goes() -> None:
    explicit = SMALL.model_copy(update={"precision": "mixed_bfloat16", "xla": True})
    assert choose_setup(explicit) == Setup("tensorflow", "cpu", 1, "mixed_bfloat16", xla=True)


def test_more_devices_than_there_are_is_an_error() -> None:
    with pytest.raises(TrainError, match=r"^train.devices: 8 asked for, but this machine has 1"):
        choose_setup(SMALL.model_copy(update={"devices": 8}))


def test_the_precision_ends_with_its_context() -> None:
    with Placement(Setup("jax", "cpu", 1, "mixed_bfloat16", xla=False)).scope():
        assert keras.layers.Dense(1).compute_dtype == "bfloat16"
    assert keras.layers.Dense(1).compute_dtype == "float32"


def test_a_detector_trained_in_bfloat16_is_kept_in_float32(crops, tmp_path) -> None:
    mixed = SMALL.model_copy(update={"precision": "mixed_bfloat16", "epochs": 1})
    fitted = run(crops(8, seed=1), crops(4, seed=2), mixed, tmp_path / "state.npz")
    assert {layer.compute_dtype for layer in fitted.model.get_layer("backbone").layers} == {
        "float32"
    }
    assert weights_sha256(fitted.model)


def test_memory_is_that_of_the_process_in_mebibytes() -> None:
    before = memory_mb(CPU)
    assert before == pytest.approx(psutil.Process().memory_info().rss / 2**20, rel=0.02)
    block = np.ones(200 * 2**20, np.uint8)
    assert memory_mb(CPU) - before == pytest.approx(block.nbytes / 2**20, abs=20)
