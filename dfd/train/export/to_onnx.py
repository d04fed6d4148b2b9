"""Exporting the trained network as ONNX, the format in which a detector is run everywhere.

The conversion by tf2onnx, from a TensorFlow function, runs in a process of its own. There Keras
uses TensorFlow on the CPU, whatever the network was trained with, and no layer or tensor has been
named before, so that equal weights give equal bytes.

    python -m dfd.train.export.to_onnx model.keras model.onnx crops.npy
"""

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dfd.arrays import Images
from dfd.detector.network import INPUT, OUTPUT, fake_scores
from dfd.errors import DetectorError
from dfd.onnx import import_onnxruntime, open_session

if TYPE_CHECKING:
    import onnx

TOLERANCE = 1e-4  # greatest allowed difference of P(FAKE) between Keras and ONNX
_NEEDED = ("tensorflow", "tf2onnx")
_OPSET = 17  # the first with LayerNormalization as an operator
_ENVIRONMENT = {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}


def missing_packages() -> str | None:
    """Return the pip command that installs what an export lacks; None if nothing is missing."""
    absent = [name for name in _NEEDED if not _installed(name)]
    return f"pip install {' '.join(absent)}" if absent else None


def export_onnx(model: Path, target: Path, crops: Images) -> float:
    """Write a Keras model as ONNX, and compare the scores of both.

    Args:
        model: A ``.keras`` file with a network of ``build_model``.
        target: The file to write. Its graph takes ``pixels``, uint8 (N, S, S, 3) RGB, and returns
            ``probabilities``, float32 (N, 2) over (REAL, FAKE).
        crops: uint8 (N, S, S, 3) RGB of the network's input size, on which the scores are compared.

    Returns:
        The greatest difference between the scores of Keras and ONNX for a crop.

    Raises:
        DetectorError: TensorFlow or tf2onnx is not installed, the network cannot be converted, or
            the scores differ by more than ``TOLERANCE``.
    """
    if install := missing_packages():
        raise DetectorError(
            f"the network cannot be exported to {target.name}: TensorFlow or tf2onnx is missing; "
            f"{install}, then run again: what is trained is kept"
        )
    probe = target.with_suffix(".npy")
    np.save(probe, crops)
    process = subprocess.run(
        [sys.executable, "-m", __name__, str(model), str(target), str(probe)],
        env={**os.environ, **_ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    probe.unlink()
    if process.returncode:
        raise DetectorError(
            f"the network cannot be exported to {target.name} ({_reason(process)}); see that there "
            "is memory and disk space, or choose another backbone"
        )
    difference = float(json.loads(process.stdout.splitlines()[-1]))
    if not difference <= TOLERANCE:  # not `>`, so that NaN is an error
        raise DetectorError(
            f"the scores of {target.name} differ from Keras' by {difference:.2g}, more than "
            f"{TOLERANCE:g}; choose another backbone"
        )
    return difference


def canonical(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """Return an equivalent model whose names and order depend only on what it computes.

    Nodes are sorted in the order in which the output needs them; nodes and tensors are numbered.

    Args:
        model: A model with one input, one output and no subgraphs.
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
        inputs = [n for n in node.input if n not in names and id(makers.get(n)) not in done]
        if inputs:
            waiting += reversed(inputs)
            continue
        done.add(id(node))
        for number, output in enumerate(node.output):
            names.setdefault(output, f"t{len(graph.node)}_{number}" if output else "")
        copy = graph.node.add(op_type=node.op_type, domain=node.domain)
        copy.name = f"n{len(graph.node) - 1}"
        copy.input.extend(names[tensor] for tensor in node.input)
        copy.output.extend(names[tensor] for tensor in node.output)
        copy.attribute.extend(sorted(node.attribute, key=lambda attribute: attribute.name))
    domains = {node.domain for node in graph.node}
    opsets = [opset for opset in model.opset_import if opset.domain in domains]
    ordered = onnx.ModelProto(ir_version=model.ir_version, producer_name="dfd", graph=graph)
    ordered.opset_import.extend(sorted(opsets, key=lambda opset: opset.domain))
    return ordered


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # raised by an import hook that hides the package
        return False


def _reason(process: subprocess.CompletedProcess[str]) -> str:
    if process.returncode < 0:
        return f"the process was ended by {signal.Signals(-process.returncode).name}"
    return (process.stderr.strip().splitlines() or ["no error message"])[-1][:200]


class _Erfc:
    """Converter of Erfc, the complementary error function in GELU, which tf2onnx lacks."""

    @classmethod
    def version_9(cls, graph: Any, node: Any, **settings: Any) -> None:
        """Replace erfc(x) by 1 - erf(x)."""
        result = node.output[0]
        one = graph.make_const(f"{node.name}_one", np.array(1, np.float32))
        erf = graph.make_node("Erf", node.input)
        kind = {"shapes": [graph.get_shape(result)], "dtypes": [graph.get_dtype(result)]}
        graph.remove_node(node.name)
        graph.make_node("Sub", [one.output[0], erf.output[0]], outputs=[result], **kind)


def _convert(keras_file: Path, target: Path, probe: Path) -> float:
    """Convert a model in this process.

    Args:
        keras_file: The Keras model.
        target: The ONNX file to write.
        probe: A ``.npy`` file of crops.

    Returns:
        The greatest difference between the scores of Keras and ONNX for these crops.
    """
    import keras
    import onnx

    model = keras.saving.load_model(keras_file, compile=False)
    ordered = canonical(_folded(_to_onnx(model), target))
    onnx.checker.check_model(ordered)
    target.write_bytes(ordered.SerializeToString(deterministic=True))
    crops = np.load(probe)
    keras_scores = np.asarray(model(crops.astype(np.float32), training=False))[:, 1]
    onnx_scores = fake_scores(open_session(target.read_bytes()), crops)
    return float(np.abs(onnx_scores - keras_scores).max())


def _to_onnx(model: Any) -> "onnx.ModelProto":
    """Convert a Keras model.

    tf2onnx copies the graph dozens of times. To it, kernels are therefore inputs, whose values are
    put into the result: with InceptionResNetV2 that takes a third of the time and of the memory.
    """
    import onnx
    import tensorflow as tf
    import tf2onnx
    from tf2onnx.handler import tf_op

    tf_op("Erfc")(_Erfc)
    groups = model.trainable_variables, model.non_trainable_variables
    values = [[variable.numpy() for variable in group] for group in groups]
    kernels = {
        f"kernel_{number}": array
        for number, array in enumerate(array for group in values for array in group)
        if array.ndim > 1
    }

    def network(pixels: Any, *inputs: Any) -> Any:
        waiting = iter(inputs)
        trainable, others = (
            [next(waiting) if array.ndim > 1 else tf.constant(array) for array in group]
            for group in values
        )
        floats = tf.cast(pixels, tf.float32)
        return model.stateless_call(trainable, others, floats, training=False)[0]

    # Keras puts grouped convolutions into functions for XLA, which tf2onnx cannot convert. Run
    # eagerly, their operations become part of the function being converted.
    tf.config.run_functions_eagerly(True)
    pixels = tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8, name=INPUT)
    inputs = [tf.TensorSpec(array.shape, array.dtype, name) for name, array in kernels.items()]
    converted: onnx.ModelProto = tf2onnx.convert.from_function(
        tf.function(network), input_signature=[pixels, *inputs], opset=_OPSET
    )[0]
    tf.config.run_functions_eagerly(False)
    graph = converted.graph
    for name in [used.name for used in graph.input if used.name in kernels]:
        graph.initializer.append(onnx.numpy_helper.from_array(kernels[name], name))
    del graph.input[1:]
    return converted


def _folded(network: "onnx.ModelProto", file: Path) -> "onnx.ModelProto":
    """Return a network in which ONNX Runtime has computed what depends on constants alone.

    Transposed kernels are such constants, and so are kernels with the factors of BatchNorm.

    Args:
        network: The network.
        file: A file that is written on the way.
    """
    import onnx

    ort = import_onnxruntime()
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(file)
    ort.InferenceSession(network.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return onnx.load(file)


if __name__ == "__main__":
    print(json.dumps(_convert(*map(Path, sys.argv[1:]))))
