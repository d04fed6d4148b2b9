"""The networks a candidate may name, each with the preprocessing it was designed for inside it.

Every model takes RGB pixels 0..255 and returns the softmax over (REAL, FAKE), so that whoever feeds
one needs to know nothing about the backbone.
"""

import logging
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
from keras import layers

from dfd.errors import TrainError, WeightsError
from dfd.train.mesonet import meso_inception4

log = logging.getLogger(__name__)

_SILENCE_SECONDS = 20


@dataclass(frozen=True)
class _Network:
    """How a backbone is built and fed.

    Attributes:
        build: ``meso_inception4``, or one of Keras' applications.
        smallest: Least side in pixels of its input.
        scale: Factor and offset that take pixels 0..255 to what it expects; Keras' newer networks
            expect them as they are and carry their own preprocessing.
    """

    build: Callable[..., keras.Model]
    smallest: int
    scale: tuple[float, float]


_AS_IS, _TO_ONE, _AROUND_ZERO = (1.0, 0.0), (1 / 255, 0.0), (1 / 127.5, -1.0)
_NETWORKS = {
    "mesonet": _Network(meso_inception4, 32, _TO_ONE),
    "inception_resnet_v2": _Network(keras.applications.InceptionResNetV2, 75, _AROUND_ZERO),
    "xception": _Network(keras.applications.Xception, 71, _AROUND_ZERO),
    "resnet50v2": _Network(keras.applications.ResNet50V2, 32, _AROUND_ZERO),
    "efficientnetv2-b0": _Network(keras.applications.EfficientNetV2B0, 32, _AS_IS),
    "efficientnetv2-b3": _Network(keras.applications.EfficientNetV2B3, 32, _AS_IS),
    "convnext-tiny": _Network(keras.applications.ConvNeXtTiny, 32, _AS_IS),
    "mobilenetv3-small": _Network(keras.applications.MobileNetV3Small, 32, _AS_IS),
}

BACKBONES = tuple(_NETWORKS)


def build_model(
    backbone: str, weights: str, input_size: int, dropout: float, seed: int
) -> tuple[keras.Model, str]:
    """Return a classifier, and which weights its backbone starts from.

    Seeds the global generators of Python, numpy and Keras: Keras draws its weights from them.

    Args:
        backbone: One of ``BACKBONES``.
        weights: ``imagenet`` (Keras' cache or download), ``none`` (random), ``auto`` (ImageNet when
            cached or reachable, else random with a logged warning) or the path of a ``.weights.h5``
            file of the backbone without its top.
        input_size: Side S in pixels of the square input.
        dropout: Dropout rate, 0..1, before the softmax.
        seed: Seed of the random weights and of dropout.

    Returns:
        A model from RGB 0..255 (N, S, S, 3), uint8 or float32, to float32 (N, 2): the probabilities
        of REAL and FAKE. Its layer ``backbone`` holds the network without the head. Then
        ``imagenet``, ``none``, or the file's name.

    Raises:
        TrainError: The backbone is unknown or the input is too small for it.
        WeightsError: The weights cannot be fetched, read or do not fit.
    """
    if backbone not in _NETWORKS:
        raise TrainError(f"train: no backbone {backbone!r}; there are {', '.join(BACKBONES)}")
    network = _NETWORKS[backbone]
    if input_size < network.smallest:
        raise TrainError(
            f"train: input_size {input_size} is too small for {backbone}; "
            f"it takes {network.smallest} or more"
        )

    def build(source: str | None) -> keras.Model:
        if network.build is meso_inception4:
            return meso_inception4(input_size, dropout)
        shape = (input_size, input_size, 3)
        return network.build(include_top=False, weights=source, input_shape=shape, pooling="avg")

    trunk, used = _start(build, backbone, weights, seed)
    trunk.name = "backbone"  # EfficientNetV2 finds its blocks by name, so not given before
    pixels = keras.Input((input_size, input_size, 3), name="pixels")
    factor, offset = network.scale
    features = trunk(layers.Rescaling(factor, offset, name="rescale")(pixels))
    features = layers.Dropout(dropout, name="dropout")(features)
    probabilities = layers.Dense(2, activation="softmax", name="probabilities")(features)
    return keras.Model(pixels, probabilities, name="detector"), used


def _start(
    build: Callable[[str | None], keras.Model], backbone: str, weights: str, seed: int
) -> tuple[keras.Model, str]:
    """Return the backbone that ``build`` makes with the weights asked for, and which those are."""

    def random() -> keras.Model:
        keras.utils.set_random_seed(seed)  # here, so that a failed download changes nothing
        return build(None)

    if weights == "none":
        return random(), "none"
    if weights in ("imagenet", "auto"):
        try:
            return _imagenet(build, backbone), "imagenet"
        except WeightsError as error:
            if weights == "imagenet":
                raise
            log.warning("%s; training starts from RANDOM weights (weights: auto)", error)
            return random(), "none"
    path = Path(weights)
    if not path.is_file():
        raise WeightsError(
            f"train.weights: {weights} is no file; give imagenet, none, auto or the path of a "
            ".weights.h5 file"
        )
    model = random()
    try:
        with warnings.catch_warnings():
            # Keras only warns of layers it finds no weights for and leaves them random.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(path)
    except (ValueError, OSError, KeyError, UserWarning) as error:
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(
            f"train.weights: {weights} does not hold the weights of {backbone} ({reason}); "
            "save them with save_weights from the same backbone without its top"
        ) from error
    return model, path.name


def _imagenet(build: Callable[[str | None], keras.Model], backbone: str) -> keras.Model:
    if backbone == "mesonet":
        raise WeightsError(
            "train.weights: mesonet has no ImageNet weights; use weights: none or a path"
        )
    with _patience(_SILENCE_SECONDS):
        try:
            return build("imagenet")
        except Exception as error:  # Keras raises a plain Exception when a download fails
            reason = " ".join(str(error).split())[:200]
            raise WeightsError(
                f"train.weights: the ImageNet weights of {backbone} cannot be fetched ({reason}); "
                "use weights: auto, none or the path of a .weights.h5 file"
            ) from error


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Give up on a silent connection: Keras' download sets no limit of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
