"""Detector directories for tests that train nothing: real files, made in milliseconds."""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from dfd.detector.card import CARD, HISTORY, NETWORK, DetectorCard
from dfd.detector.domain import Domain
from dfd.detector.network import INPUT, OUTPUT
from dfd.params.faces import FacesParams
from dfd.params.section import load_section
from dfd.params.training import load_candidate
from dfd.scoring.decision import Calibration, Decision
from dfd.scoring.metrics import measure
from tests.data import ROOT


def card_of(**changes: Any) -> DetectorCard:
    """Return a card as training would write it, with some of its values changed."""
    params = load_candidate("mesonet", ROOT / "params.yaml")
    figures = asdict(measure(["REAL", "FAKE"], [0.1, 0.9], 0.5))
    values = {
        "candidate": "small",
        "backbone": "mesonet",
        "weights": "none",
        "input_size": params.input_size,
        "domain": Domain(
            datasets=("sample",),
            methods=("swap",),
            real_videos=8,
            fake_videos=9,
            face_size=(60, 300),
            sharpness=(20, 900),
        ),
        "crop": load_section(FacesParams, ROOT / "params.yaml").crop,
        "params": params.model_dump(),
        "decision": Decision(Calibration(temperature=0.7, bias=0.3), 0.5, (0.45, 0.55)),
        "train_sha256": "1" * 64,
        "split_sha256": "2" * 64,
        "leaky": False,
        "validation": {"frame": figures, "video": figures},
        "parameters": 8,
        "weights_sha256": "3" * 64,
    }
    return DetectorCard(**{**values, **changes})


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
    said = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["N", 2])
    constants = [numpy_helper.from_array(weights, "weights")]
    graph = helper.make_graph(nodes, "detector", [pixels], [said], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
