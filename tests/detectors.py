"""Detectors: one whose scores a test can foresee, and one that costs what a trained one does."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchmarks.detectors import card_of, save_untrained
from dfd.detector.card import CARD, HISTORY, NETWORK, load_card
from dfd.detector.network import INPUT, OUTPUT
from tests.shared import make_once


def copy_untrained(factory: pytest.TempPathFactory, directory: Path, **changes: Any) -> Path:
    """Write a detector with random weights, which is exported once for all tests; return it.

    Args:
        factory: Pytest's fixture.
        directory: A new folder.
        changes: Values of the detector's card that differ from those of ``save_untrained``.
    """
    shutil.copytree(make_once(factory, "untrained", save_untrained), directory)
    card = load_card(directory).model_copy(update=changes)
    (directory / CARD).write_text(card.model_dump_json())
    return directory


def write_detector(directory: Path, **changes: Any) -> Path:
    """Write a detector whose score follows the mean colour of a crop; return its directory.

    It has no ``model.keras``.

    Args:
        directory: A new folder.
        changes: What differs on its card from ``card_of``.
    """
    card = card_of(**changes)
    network = _mean_colour(card.input_size)
    complete = card.model_copy(update={"onnx_sha256": hashlib.sha256(network).hexdigest()})
    directory.mkdir(parents=True)
    (directory / NETWORK).write_bytes(network)
    (directory / CARD).write_text(complete.model_dump_json())
    (directory / HISTORY).write_text("epoch,loss\n1,0.5\n")
    return directory


def _mean_colour(size: int) -> bytes:
    weights = np.array([[0.02, -0.02], [-0.03, 0.03], [0.01, -0.01]], np.float32)
    nodes = [
        helper.make_node("Cast", [INPUT], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["means"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["odds"]),
        helper.make_node("Softmax", ["odds"], [OUTPUT]),
    ]
    pixels = helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["N", size, size, 3])
    scores = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["N", 2])
    constants = [numpy_helper.from_array(weights, "weights")]
    graph = helper.make_graph(nodes, "detector", [pixels], [scores], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
