"""The trained network as ONNX, the graph by which a detector scores everywhere.

The conversion (tf2onnx, by way of a TensorFlow function with frozen weights) runs in a process of
its own: with Keras on TensorFlow and on the CPU whatever it was trained with, and with none of the
names that a process has already given, so that the same weights give the same bytes.

    python -m dfd.train.export model.keras model.onnx crops.npy
"""

import gc
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dfd.arrays import Images
from dfd.detector.network import INPUT, OUTPUT, fake_scores
from dfd.errors import DetectorError
from dfd.onnx import open_session

if TYPE_CHECKING:
    import onnx

TOLERANCE = 1e-4  # of P(FAKE), between Keras and ONNX
_NEEDED = ("tensorflow", "tf2onnx")
_OPSET = 17  # LayerNormalization is one operator from here on
_ENVIRONMENT = {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}


def lacking() -> str | None:
    """Return what an export would need that is not installed, as a pip command; None if nothing."""
    absent = [name for name in _NEEDED if not _installed(name)]
    return f"pip install {' '.join(absent)}" if absent else None


def export_onnx(model: Path, target: Path, crops: Images) -> float:
    """Write a Keras model as ONNX, checked against it.

    Args:
        model: A ``.keras`` file of ``build_model``'s network.
        target: The file to write. Its graph takes ``pixels``, uint8 (N, S, S, 3) RGB, and returns
            ``probabilities``, float32 (N, 2) over (REAL, FAKE).
        crops: uint8 (N, S, S, 3) RGB of the network's input size, on which both must agree.

    Returns:
        The greatest difference between the two scores of a crop.

    Raises:
        DetectorError: TensorFlow or tf2onnx is not installed, the network cannot be converted, or
            the two do not agree.
    """
    if install := lacking():
        raise DetectorError(
            f"the network cannot be exported to {target.name}: TensorFlow or tf2onnx is missing; "
            f"{install}, then run again: what is trained is kept"
        )
    probe = target.with_suffix(".npy")
    np.save(probe, crops)
    ended = subprocess.run(
        [sys.executable, "-m", __name__, str(model), str(target), str(probe)],
        env={**os.environ, **_ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    probe.unlink()
    if ended.returncode:
        raise DetectorError(
            f"the network cannot be exported to {target.name} ({_reason(ended)}); see that there "
            "is memory and disk space, or choose another backbone"
        )
    difference = float(json.loads(ended.stdout.splitlines()[-1]))
    if not difference <= TOLERANCE:  # so that what is no number does not pass
        raise DetectorError(
            f"the scores of {target.name} differ from Keras' by {difference:.2g}, more than "
            f"{TOLERANCE:g}; choose another backbone"
        )
    return difference


def canonical(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """Return a model whose order and names follow from what it computes, not from how it was made.

    Nodes come in the order in which the outputs need them; nodes and tensors are numbered.

    Args:
        model: Has one input, one output and no subgraphs.
    """
    import onnx

    makers = {name: node for node in model.graph.node for name in node.output}
    names = {"": "", model.graph.input[0].name: INPUT, model.graph.output[0].name: OUTPUT}
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    graph = onnx.GraphProto(name="detector")
    graph.input.append(model.graph.input[0])
    graph.output.append(model.graph.output[0])
    for value, name in ((graph.input[0], INPUT), (graph.output[0], OUTPUT)):
        value.name = name
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    done: set[int] = set()
    waiting = [model.graph.output[0].name]
    while waiting:
        name = waiting[-1]
        node = makers.get(name)
        if node is None or id(node) in done:
            waiting.pop()
            if name in constants and name not in names:
                names[name] = f"c{len(graph.initializer)}"
                graph.initializer.append(constants[name])
                graph.initializer[-1].name = names[name]
            continue
        before = [one for one in node.input if one not in names and id(makers.get(one)) not in done]
        if before:
            waiting += reversed(before)
            continue
        done.add(id(node))
        for number, output in enumerate(node.output):
            names.setdefault(output, f"t{len(graph.node)}_{number}" if output else "")
        copy = graph.node.add(op_type=node.op_type, domain=node.domain)
        copy.name = f"n{len(graph.node) - 1}"
        copy.input.extend(names[one] for one in node.input)
        copy.output.extend(names[one] for one in node.output)
        copy.attribute.extend(sorted(node.attribute, key=lambda one: one.name))
    opsets = [
        one for one in model.opset_import if one.domain in {node.domain for node in graph.node}
    ]
    ordered = onnx.ModelProto(ir_version=model.ir_version, producer_name="dfd", graph=graph)
    ordered.opset_import.extend(sorted(opsets, key=lambda one: one.domain))
    return ordered


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # as a finder says that hides it
        return False


def _reason(ended: subprocess.CompletedProcess[str]) -> str:
    if ended.returncode < 0:
        return f"the process was ended by {signal.Signals(-ended.returncode).name}"
    return (ended.stderr.strip().splitlines() or ["it says nothing"])[-1][:200]


class _Erfc:
    """How tf2onnx writes the complement of the error function (in GELU), which it does not know."""

    @classmethod
    def version_9(cls, graph: Any, node: Any, **settings: Any) -> None:
        """Write it as one minus the error function."""
        made = node.output[0]
        one = graph.make_const(f"{node.name}_one", np.array(1, np.float32))
        erf = graph.make_node("Erf", node.input)
        about = {"shapes": [graph.get_shape(made)], "dtypes": [graph.get_dtype(made)]}
        graph.remove_node(node.name)
        graph.make_node("Sub", [one.output[0], erf.output[0]], outputs=[made], **about)


@contextmanager
def _collecting_garbage() -> Iterator[None]:
    """Free tf2onnx's copies of the network as it drops them.

    They hold each other, few objects of hundreds of megabytes, so that Python lets them add up:
    InceptionResNetV2 takes 11 GB then, and half of it so.
    """
    ended = threading.Event()

    def collect() -> None:
        while not ended.wait(0.2):
            gc.collect()

    gc.freeze()  # what TensorFlow has made by now need not be looked through each time
    collector = threading.Thread(target=collect)
    collector.start()
    try:
        yield
    finally:
        ended.set()
        collector.join()


def _convert(keras_file: Path, target: Path, probe: Path) -> float:
    """Convert in this process, which does nothing else; return the greatest difference."""
    import keras
    import onnx
    import tensorflow as tf
    import tf2onnx
    from tf2onnx.handler import tf_op

    tf_op("Erfc")(_Erfc)
    model = keras.saving.load_model(keras_file, compile=False)
    pixels = tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8, name=INPUT)

    network = tf.function(
        lambda pixels: model(tf.cast(pixels, tf.float32), training=False), input_signature=[pixels]
    )
    # Keras has XLA compile grouped convolutions, in functions that tf2onnx does not look into:
    # called "eagerly", what they do becomes part of this one.
    tf.config.run_functions_eagerly(True)
    with _collecting_garbage():
        converted, _ = tf2onnx.convert.from_function(
            network, input_signature=[pixels], opset=_OPSET
        )
    tf.config.run_functions_eagerly(False)
    ordered = canonical(converted)
    onnx.checker.check_model(ordered)
    target.write_bytes(ordered.SerializeToString(deterministic=True))
    crops = np.load(probe)
    theirs = np.asarray(model(tf.cast(crops, tf.float32), training=False))[:, 1]
    return float(np.abs(fake_scores(open_session(target.read_bytes()), crops) - theirs).max())


if __name__ == "__main__":
    print(json.dumps(_convert(*map(Path, sys.argv[1:]))))
