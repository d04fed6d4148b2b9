"""Heat maps: which places of a crop speak for FAKE.

Where TensorFlow is installed, the method is Grad-CAM (Selvaraju et al., *Grad-CAM: visual
explanations from deep networks*, ICCV 2017): the gradient of the FAKE log-odds is followed back to
a feature map of the backbone. Otherwise the method is occlusion (Zeiler and Fergus, *Visualizing
and understanding convolutional networks*, ECCV 2014), which needs only scores. A map shows what the
network used, not what was altered in the picture.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from dfd.arrays import Images
from dfd.detector.card import MODEL
from dfd.detector.network import Detector, load_detector, resized
from dfd.extras import install_command
from dfd.scoring.aggregate import log_odds

if TYPE_CHECKING:
    import keras

Maps = npt.NDArray[np.float32]

# Fewest cells along the side of a feature map for Grad-CAM. The last map of InceptionResNetV2 has
# 2×2 cells, which is too coarse to show a place.
_FEWEST_CELLS = 6
_PATCHES = 7  # hidden patches along each side of a crop


@dataclass(frozen=True)
class HeatMaps:
    """Heat maps of crops.

    Attributes:
        method: ``Grad-CAM`` or ``occlusion``.
        maps: The maps, float32 (N, S, S), 0..1.
        finer: Command that installs what Grad-CAM needs; empty where that is not what keeps it
            from being used.
    """

    method: str
    maps: Maps
    finer: str = ""


def heat_maps(directory: Path, crops: Images) -> HeatMaps:
    """Return a heat map of each crop: 1 at the place that speaks most for FAKE, 0 where none does.

    Args:
        directory: The detector directory.
        crops: uint8 (N, S, S, 3) RGB, N at least 1.

    Raises:
        DetectorError: The detector cannot be loaded.

    Example, where ``detector_dir`` is a detector directory without a Keras model:
        >>> heat = heat_maps(detector_dir, np.zeros((1, 128, 128, 3), np.uint8))
        >>> heat.method, heat.maps.shape
        ('occlusion', (1, 128, 128))
    """
    backend, installed = os.environ.get("KERAS_BACKEND", "tensorflow"), find_spec("tensorflow")
    able = backend == "tensorflow" and (directory / MODEL).exists()
    if able and installed:
        return HeatMaps("Grad-CAM", gradcam(_model(directory), crops))
    finer = install_command("workflow") if able else ""
    return HeatMaps("occlusion", occlusion(load_detector(directory), crops), finer)


def occlusion(detector: Detector, crops: Images) -> Maps:
    """Return how much the FAKE log-odds fall when a patch of the crop is hidden.

    Each patch in turn gets the mean colour of the crop.

    Args:
        detector: The loaded detector.
        crops: uint8 (N, S, S, 3) RGB, N at least 1.

    Returns:
        Maps, float32 (N, S, S), 0..1, each relative to its own highest value.
    """
    side = crops.shape[1]
    edges = np.linspace(0, side, _PATCHES + 1).round().astype(int)
    maps = []
    for crop in crops:
        hidden = np.repeat(crop[None], _PATCHES**2, axis=0)
        colour = crop.mean(axis=(0, 1)).round()
        for patch, image in enumerate(hidden):
            row, column = divmod(patch, _PATCHES)
            image[edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = colour
        odds = log_odds(detector.predict(np.concatenate([crop[None], hidden])))
        maps.append((odds[0] - odds[1:]).reshape(_PATCHES, _PATCHES))
    return _at_crop_size(np.stack(maps), side)


def gradcam(model: "keras.Model", crops: Images) -> Maps:
    """Return the Grad-CAM maps of the FAKE log-odds.

    The feature map is that of the last layer which has a fine enough map and which no connection
    of the network bypasses.

    Args:
        model: A model of ``dfd.train.networks.backbones.build_model``; the backend of Keras must
            be TensorFlow.
        crops: uint8 (N, S, S, 3) RGB, N at least 1.

    Returns:
        Maps, float32 (N, S, S), 0..1, each relative to its own highest value.
    """
    import keras
    import tensorflow as tf

    backbone, head = model.get_layer("backbone"), model.get_layer("probabilities")
    inner = keras.Model(backbone.inputs, [_feature_layer(backbone).output, backbone.output])
    weights, biases = (tf.cast(values, tf.float32) for values in head.get_weights())
    pixels = tf.constant(resized(crops, model.input_shape[1]), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        features, embedding = inner(model.get_layer("rescale")(pixels), training=False)
        logits = tf.linalg.matmul(tf.cast(embedding, tf.float32), weights) + biases
        odds = logits[:, 1] - logits[:, 0]
    gradients = tf.cast(tape.gradient(odds, features), tf.float32)
    channels = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
    maps = tf.reduce_sum(channels * tf.cast(features, tf.float32), axis=-1)
    return _at_crop_size(maps.numpy(), crops.shape[1])


@cache  # loaded once for all reports of a command
def _model(directory: Path) -> "keras.Model":
    from dfd.detector.keras_file import load_keras_model

    with _without_native_stderr():
        return load_keras_model(directory)


@contextmanager
def _without_native_stderr() -> Iterator[None]:
    """Drop what native libraries write to standard error.

    When TensorFlow is loaded, it logs lines about oneDNN and CUDA there, whatever
    TF_CPP_MIN_LOG_LEVEL is.
    """
    stderr = os.dup(2)
    try:
        with open(os.devnull, "wb") as devnull:
            os.dup2(devnull.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


def _feature_layer(backbone: Any) -> Any:
    """Return the last layer that has a fine enough map and that no connection bypasses."""
    position = {layer: number for number, layer in enumerate(backbone.layers)}
    last_use = list(range(len(backbone.layers)))  # position of the last layer that uses an output
    for layer, number in position.items():
        if not number:  # the input layer
            continue
        for tensor in layer.input if isinstance(layer.input, list) else [layer.input]:
            source = position[tensor._keras_history.operation]
            last_use[source] = max(last_use[source], number)
    maps = [
        layer
        for layer, number in position.items()
        if len(layer.output.shape) == 4 and all(use <= number for use in last_use[:number])
    ]
    fine = [layer for layer in maps if layer.output.shape[1] >= _FEWEST_CELLS]
    return (fine or maps)[-1]


def overlaid(crop: Images, heat: Maps) -> Images:
    """Return a crop blended with its heat map: dark where the map is 0, bright yellow where 1.

    Args:
        crop: uint8 (S, S, 3) RGB.
        heat: float32 (S, S), 0..1.

    Returns:
        uint8 (S, S, 3) RGB.

    Example:
        >>> grey = np.full((128, 128, 3), 100, np.uint8)
        >>> overlaid(grey, np.ones((128, 128), np.float32))[0, 0].tolist()
        [184, 185, 135]
    """
    coloured = cv2.applyColorMap(np.rint(255 * heat).astype(np.uint8), cv2.COLORMAP_INFERNO)
    mixed = cv2.addWeighted(crop, 0.45, cv2.cvtColor(coloured, cv2.COLOR_BGR2RGB), 0.55, 0)
    return np.asarray(mixed, np.uint8)


def _at_crop_size(maps: npt.NDArray[Any], side: int) -> Maps:
    """Drop what speaks for REAL, divide each map by its highest value and enlarge it."""
    enlarged = []
    for coarse in np.maximum(maps.astype(np.float32), 0):
        fine = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
        enlarged.append(np.clip(fine / max(float(coarse.max()), 1e-9), 0, 1))
    return np.stack(enlarged).astype(np.float32)
