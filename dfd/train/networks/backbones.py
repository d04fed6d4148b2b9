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
from keras import applications, layers

from dfd.errors import TrainError, WeightsError
from dfd.train.networks.casia_webface import load_casia_webface
from dfd.train.networks.inception_resnet_v1 import SMALLEST, inception_resnet_v1
from dfd.train.networks.mesonet import meso_inception4

log = logging.getLogger(__name__)

_SILENCE_SECONDS = 20
_PUBLISHED = {"imagenet": "ImageNet", "casia-webface": "CASIA-WebFace"}

_Build = Callable[[int, float, str | None], keras.Model]


@dataclass(frozen=True)
class _Network:
    """How a backbone is built and fed.

    Attributes:
        build: Makes it for a side in pixels and a dropout rate, with its published weights when
            they are named and random ones for None.
        published: Its published weights, a key of ``_PUBLISHED``; None where there are none.
        smallest: Least side in pixels of its input.
        scale: Factor and offset that take pixels 0..255 to what it expects; Keras' newer networks
            expect them as they are and carry their own preprocessing.
    """

    build: _Build
    published: str | None
    smallest: int
    scale: tuple[float, float]


def _keras(application: Callable[..., keras.Model]) -> _Build:
    def build(size: int, dropout: float, weights: str | None) -> keras.Model:
        shape = (size, size, 3)
        return application(include_top=False, weights=weights, input_shape=shape, pooling="avg")

    return build


def _mesonet(size: int, dropout: float, weights: str | None) -> keras.Model:
    return meso_inception4(size, dropout)


def _facenet(size: int, dropout: float, weights: str | None) -> keras.Model:
    model = inception_resnet_v1(size)
    if weights:
        load_casia_webface(model)
    return model


_AS_IS, _TO_ONE, _AROUND_ZERO = (1.0, 0.0), (1 / 255, 0.0), (1 / 127.5, -1.0)
_FACENET = (1 / 128, -127.5 / 128)  # its authors' "fixed image standardization"
_NETWORKS = {
    "mesonet": _Network(_mesonet, None, 32, _TO_ONE),
    "inception_resnet_v1": _Network(_facenet, "casia-webface", SMALLEST, _FACENET),
    "inception_resnet_v2": _Network(
        _keras(applications.InceptionResNetV2), "imagenet", 75, _AROUND_ZERO
    ),
    "xception": _Network(_keras(applications.Xception), "imagenet", 71, _AROUND_ZERO),
    "resnet50v2": _Network(_keras(applications.ResNet50V2), "imagenet", 32, _AROUND_ZERO),
    "efficientnetv2-b0": _Network(_keras(applications.EfficientNetV2B0), "imagenet", 32, _AS_IS),
    "efficientnetv2-b3": _Network(_keras(applications.EfficientNetV2B3), "imagenet", 32, _AS_IS),
    "convnext-tiny": _Network(_keras(applications.ConvNeXtTiny), "imagenet", 32, _AS_IS),
    "mobilenetv3-small": _Network(_keras(applications.MobileNetV3Small), "imagenet", 32, _AS_IS),
}

BACKBONES = tuple(_NETWORKS)


def build_model(
    backbone: str, weights: str, input_size: int, dropout: float, seed: int
) -> tuple[keras.Model, str]:
    """Return a classifier, and which weights its backbone starts from.

    Seeds the global generators of Python, numpy and Keras: Keras draws its weights from them.

    Args:
        backbone: One of ``BACKBONES``.
        weights: The backbone's published weights by name (``casia-webface`` for
            ``inception_resnet_v1``, none for ``mesonet``, ``imagenet`` for all others), ``none``
            (random), ``auto`` (the published ones when cached or reachable, else random with a
            logged warning) or the path of a ``.weights.h5`` file of the backbone without its top.
        input_size: Side S in pixels of the square input.
        dropout: Dropout rate, 0..1, before the softmax.
        seed: Seed of the random weights and of dropout.

    Returns:
        A model from RGB 0..255 (N, S, S, 3), uint8 or float32, to float32 (N, 2): the probabilities
        of REAL and FAKE. Its layer ``backbone`` holds the network without the head. Then
        ``imagenet``, ``casia-webface``, ``none``, or the file's name.

    Raises:
        TrainError: The backbone is unknown or the input is too small for it.
        WeightsError: The weights cannot be fetched, read or do not fit.
    """
    if backbone not in _NETWORKS:
        raise TrainError(
            f"backbone: there is no {backbone!r}; choose one of {', '.join(BACKBONES)}"
        )
    network = _NETWORKS[backbone]
    if input_size < network.smallest:
        raise TrainError(
            f"input_size: {input_size} is too small for {backbone}; it takes {network.smallest} "
            "or more"
        )

    trunk, used = _start(network, backbone, weights, input_size, dropout, seed)
    trunk.name = "backbone"  # EfficientNetV2 finds its blocks by name, so not given before
    pixels = keras.Input((input_size, input_size, 3), name="pixels")
    factor, offset = network.scale
    features = trunk(layers.Rescaling(factor, offset, name="rescale")(pixels))
    features = layers.Dropout(dropout, name="dropout")(features)
    probabilities = layers.Dense(2, activation="softmax", name="probabilities")(features)
    return keras.Model(pixels, probabilities, name="detector"), used


def _start(
    network: _Network, backbone: str, weights: str, input_size: int, dropout: float, seed: int
) -> tuple[keras.Model, str]:
    """Return the backbone with the weights asked for, and which those are."""

    def build(source: str | None) -> keras.Model:
        keras.utils.set_random_seed(seed)  # here, so that a failed download changes nothing
        return network.build(input_size, dropout, source)

    if weights == "none":
        return build(None), "none"
    if weights == "auto" or weights in _PUBLISHED:
        try:
            source = _published(network, backbone, weights)
            return _fetched(build, backbone, source), source
        except WeightsError as error:
            if weights != "auto":
                raise
            log.warning("%s; training starts from RANDOM weights (weights: auto)", error)
            return build(None), "none"
    path = Path(weights)
    if not path.is_file():
        raise WeightsError(
            f"weights: {weights} is no file; give imagenet, casia-webface, none, auto or "
            "the path of a .weights.h5 file"
        )
    model = build(None)
    try:
        with warnings.catch_warnings():
            # Keras only warns of layers it finds no weights for and leaves them random.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(path)
    except (ValueError, OSError, KeyError, UserWarning) as error:
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(
            f"weights: {weights} does not hold the weights of {backbone} ({reason}); "
            "save them with save_weights from the same backbone without its top"
        ) from error
    return model, path.name


def _published(network: _Network, backbone: str, weights: str) -> str:
    """Return the name of the backbone's published weights if ``weights`` can mean them."""
    if network.published and weights in (network.published, "auto"):
        return network.published
    wanted = _PUBLISHED.get(weights, "published")
    instead = f"{network.published}, auto, none" if network.published else "none"
    raise WeightsError(
        f"weights: {backbone} has no {wanted} weights; use weights: {instead} or a path"
    )


def _fetched(build: Callable[[str | None], keras.Model], backbone: str, source: str) -> keras.Model:
    with _patience(_SILENCE_SECONDS):
        try:
            return build(source)
        except WeightsError:
            raise
        except Exception as error:  # Keras raises a plain Exception when a download fails
            reason = " ".join(str(error).split())[:200]
            raise WeightsError(
                f"weights: the {_PUBLISHED[source]} weights of {backbone} cannot be fetched "
                f"({reason}); use weights: auto, none or the path of a .weights.h5 file"
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
