"""Where in a crop the whole network sees FAKE.

With TensorFlow at hand by Grad-CAM (Selvaraju et al., *Grad-CAM: visual explanations from deep
networks*, ICCV 2017), from the FAKE log-odds through every layer above the chosen one; else by
occlusion (Zeiler and Fergus, *Visualizing and understanding convolutional networks*, ECCV 2014),
which needs nothing but scores. A map shows what the network used, not what was altered.
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
from dfd.scoring.aggregate import log_odds

if TYPE_CHECKING:
    import keras

Maps = npt.NDArray[np.float32]

_COARSEST = 6  # places a side: InceptionResNetV2 ends in 2×2 of them, which point at nothing
_PATCHES = 7  # a side


@dataclass(frozen=True)
class HeatMaps:
    """Maps of crops, float32 (N, S, S), 0..1, and the method that made them."""

    method: str
    maps: Maps


def heat_maps(directory: Path, crops: Images) -> HeatMaps:
    """Return a map of each crop: 1 where it speaks most for FAKE, 0 where it does not.

    Args:
        directory: Detector directory.
        crops: uint8 (N, S, S, 3) RGB, one or more.

    Raises:
        DetectorError: The detector cannot be loaded.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend == "tensorflow" and find_spec("tensorflow") and (directory / MODEL).exists():
        return HeatMaps("Grad-CAM", gradcam(_model(directory), crops))
    return HeatMaps("occlusion", occlusion(load_detector(directory), crops))


def occlusion(detector: Detector, crops: Images) -> Maps:
    """Return how far the FAKE log-odds fall when a patch of the crop is hidden.

    Args:
        detector: Loaded detector.
        crops: uint8 (N, S, S, 3) RGB.
    """
    side = crops.shape[1]
    edges = np.linspace(0, side, _PATCHES + 1).round().astype(int)
    maps = []
    for crop in crops:
        hidden = np.repeat(crop[None], _PATCHES**2, axis=0)
        colour = crop.mean(axis=(0, 1)).round()
        for place, image in enumerate(hidden):
            row, column = divmod(place, _PATCHES)
            image[edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = colour
        odds = log_odds(detector.predict(np.concatenate([crop[None], hidden])))
        maps.append((odds[0] - odds[1:]).reshape(_PATCHES, _PATCHES))
    return _shown(np.stack(maps), side)


def gradcam(model: "keras.Model", crops: Images) -> Maps:
    """Return the Grad-CAM of the FAKE log-odds.

    The feature map is the last one that is fine enough to point and that everything before it
    passes through.

    Args:
        model: As from ``dfd.train.backbones.build_model``, under the TensorFlow backend.
        crops: uint8 (N, S, S, 3) RGB.
    """
    import keras
    import tensorflow as tf

    trunk, head = model.get_layer("backbone"), model.get_layer("probabilities")
    inner = keras.Model(trunk.inputs, [_feature_layer(trunk).output, trunk.output])
    weights, biases = (tf.cast(values, tf.float32) for values in head.get_weights())
    pixels = tf.constant(resized(crops, model.input_shape[1]), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        features, summary = inner(model.get_layer("rescale")(pixels), training=False)
        logits = tf.linalg.matmul(tf.cast(summary, tf.float32), weights) + biases
        odds = logits[:, 1] - logits[:, 0]
    gradients = tf.cast(tape.gradient(odds, features), tf.float32)
    channels = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
    maps = tf.reduce_sum(channels * tf.cast(features, tf.float32), axis=-1)
    return _shown(maps.numpy(), crops.shape[1])


@cache  # one for all reports of a command
def _model(directory: Path) -> "keras.Model":
    from dfd.detector.keras_file import load_keras_model

    with _native_greetings_dropped():
        return load_keras_model(directory)


@contextmanager
def _native_greetings_dropped() -> Iterator[None]:
    """Drop what libraries write to standard error past Python.

    TensorFlow names oneDNN and CUDA there when it is loaded, whatever TF_CPP_MIN_LOG_LEVEL says.
    """
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _feature_layer(trunk: Any) -> Any:
    """Return the last layer with a fine enough map through which everything before it passes."""
    place = {layer: number for number, layer in enumerate(trunk.layers)}
    last_use = list(range(len(trunk.layers)))
    for layer, number in place.items():
        if not number:  # the input
            continue
        for tensor in layer.input if isinstance(layer.input, list) else [layer.input]:
            source = place[tensor._keras_history.operation]
            last_use[source] = max(last_use[source], number)
    maps = [
        layer
        for layer, number in place.items()
        if len(layer.output.shape) == 4 and all(use <= number for use in last_use[:number])
    ]
    fine = [layer for layer in maps if layer.output.shape[1] >= _COARSEST]
    return (fine or maps)[-1]


def overlaid(crop: Images, heat: Maps) -> Images:
    """Return a crop with its map over it: dark where it is 0, bright yellow where it is 1.

    Args:
        crop: uint8 (S, S, 3) RGB.
        heat: float32 (S, S), 0..1.
    """
    coloured = cv2.applyColorMap(np.rint(255 * heat).astype(np.uint8), cv2.COLORMAP_INFERNO)
    mixed = cv2.addWeighted(crop, 0.45, cv2.cvtColor(coloured, cv2.COLOR_BGR2RGB), 0.55, 0)
    return np.asarray(mixed, np.uint8)


def _shown(maps: npt.NDArray[Any], side: int) -> Maps:
    """Return what speaks for FAKE, each map by its own highest value, at the crops' size."""
    shown = []
    for one in np.maximum(maps.astype(np.float32), 0):
        fine = cv2.resize(one, (side, side), interpolation=cv2.INTER_CUBIC)
        shown.append(np.clip(fine / max(float(one.max()), 1e-9), 0, 1))
    return np.stack(shown).astype(np.float32)
