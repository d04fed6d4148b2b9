"""Inception-ResNet-v1 as the open implementation of FaceNet has it, with BatchNorm folded in.

Szegedy, Ioffe, Vanhoucke and Alemi, *Inception-v4, Inception-ResNet and the Impact of Residual
Connections on Learning* (AAAI 2017, arXiv:1602.07261), figures 10 to 14; trained to tell faces
apart as in Schroff, Kalenichenko and Philbin, *FaceNet: A Unified Embedding for Face Recognition
and Clustering* (CVPR 2015, arXiv:1503.03832).

In the published weights (``dfd.train.networks.casia_webface``) every BatchNorm layer is folded into
the convolution before it, so this network has no BatchNorm layers and behaves alike in training and
in inference. As in the published model, the residuals are scaled by 0.17, 0.10 and 0.20, and the
five block8 of the paper are followed by a sixth without scaling and activation.
"""

from typing import Any

from keras import Input, Model, layers

SMALLEST = 75
"""Smallest input size in pixels; the last reduction needs as many."""


def inception_resnet_v1(input_size: int) -> Model:
    """Return the network without classifier, up to its 1792 pooled features, with random weights.

    Args:
        input_size: Side S in pixels of the square input, at least ``SMALLEST``; the published
            weights were trained at 160.

    Returns:
        A model from float32 (N, S, S, 3) RGB, scaled to (pixel - 127.5) / 128, to float32
        (N, 1792). The last layers of the blocks are named ``block35_1`` … ``block35_5``,
        ``mixed_6a``, ``block17_1`` … ``block17_10``, ``mixed_7a`` and ``block8_1`` … ``block8_6``;
        the names of the other layers of a block begin with its name and an underscore.
    """
    pixels = Input((input_size, input_size, 3), name="facenet_pixels")
    x = _conv(pixels, "conv2d_1a_3x3", 32, strides=2, padding="valid")
    x = _conv(x, "conv2d_2a_3x3", 32, padding="valid")
    x = _conv(x, "conv2d_2b_3x3", 64)
    x = layers.MaxPooling2D(3, strides=2, name="maxpool_3a_3x3")(x)
    x = _conv(x, "conv2d_3b_1x1", 80, padding="valid")
    x = _conv(x, "conv2d_4a_3x3", 192, padding="valid")
    x = _conv(x, "conv2d_4b_3x3", 256, strides=2, padding="valid")
    for number in range(1, 6):
        x = _block35(x, f"block35_{number}")
    x = _mixed_6a(x)
    for number in range(1, 11):
        x = _block17(x, f"block17_{number}")
    x = _mixed_7a(x)
    for number in range(1, 6):
        x = _block8(x, f"block8_{number}", scale=0.20)
    x = _block8(x, "block8_6", scale=None)
    features = layers.GlobalAveragePooling2D(name="facenet_features")(x)
    return Model(pixels, features, name="inception_resnet_v1")


def _block35(x: Any, name: str) -> Any:
    branches = [
        _conv(x, f"{name}_branch_0_conv2d_1x1", 32),
        _chain(x, f"{name}_branch_1", {"0a_1x1": 32, "0b_3x3": 32}),
        _chain(x, f"{name}_branch_2", {"0a_1x1": 32, "0b_3x3": 32, "0c_3x3": 32}),
    ]
    return _residual(x, branches, name, scale=0.17)


def _block17(x: Any, name: str) -> Any:
    branches = [
        _conv(x, f"{name}_branch_0_conv2d_1x1", 128),
        _chain(x, f"{name}_branch_1", {"0a_1x1": 128, "0b_1x7": 128, "0c_7x1": 128}),
    ]
    return _residual(x, branches, name, scale=0.10)


def _block8(x: Any, name: str, scale: float | None) -> Any:
    branches = [
        _conv(x, f"{name}_branch_0_conv2d_1x1", 192),
        _chain(x, f"{name}_branch_1", {"0a_1x1": 192, "0b_1x3": 192, "0c_3x1": 192}),
    ]
    return _residual(x, branches, name, scale)


def _mixed_6a(x: Any) -> Any:
    branches = [
        _reduction(x, "mixed_6a_branch_0", {"1a_3x3": 384}),
        _reduction(x, "mixed_6a_branch_1", {"0a_1x1": 192, "0b_3x3": 192, "1a_3x3": 256}),
        layers.MaxPooling2D(3, strides=2, name="mixed_6a_branch_2_maxpool_1a_3x3")(x),
    ]
    return layers.Concatenate(name="mixed_6a")(branches)


def _mixed_7a(x: Any) -> Any:
    branches = [
        _reduction(x, "mixed_7a_branch_0", {"0a_1x1": 256, "1a_3x3": 384}),
        _reduction(x, "mixed_7a_branch_1", {"0a_1x1": 256, "1a_3x3": 256}),
        _reduction(x, "mixed_7a_branch_2", {"0a_1x1": 256, "0b_3x3": 256, "1a_3x3": 256}),
        layers.MaxPooling2D(3, strides=2, name="mixed_7a_branch_3_maxpool_1a_3x3")(x),
    ]
    return layers.Concatenate(name="mixed_7a")(branches)


def _residual(x: Any, branches: list[Any], name: str, scale: float | None) -> Any:
    """Add the joined branches, scaled, to ``x``; without a scale there is no activation either."""
    joined = layers.Concatenate(name=f"{name}_concat")(branches)
    change = _conv(joined, f"{name}_conv2d_1x1", x.shape[-1], activation=None)
    if scale is None:
        return layers.Add(name=name)([x, change])
    change = layers.Rescaling(scale, name=f"{name}_scale")(change)
    return layers.ReLU(name=name)(layers.Add(name=f"{name}_add")([x, change]))


def _chain(x: Any, name: str, filters: dict[str, int]) -> Any:
    """Chain convolutions, given as the end of each one's name and its number of filters."""
    for step, width in filters.items():
        x = _conv(x, f"{name}_conv2d_{step}", width)
    return x


def _reduction(x: Any, name: str, filters: dict[str, int]) -> Any:
    """Chain convolutions; the last one halves the side."""
    *first, (last, width) = filters.items()
    x = _chain(x, name, dict(first))
    return _conv(x, f"{name}_conv2d_{last}", width, strides=2, padding="valid")


def _conv(
    x: Any,
    name: str,
    filters: int,
    strides: int = 1,
    padding: str = "same",
    activation: str | None = "relu",
) -> Any:
    """Convolve with bias; the name ends in height and width of the kernel, as in ``0b_1x7``."""
    rows, columns = name.rsplit("_", 1)[1].split("x")
    convolution = layers.Conv2D(
        filters,
        (int(rows), int(columns)),
        strides=strides,
        padding=padding,
        activation=activation,
        kernel_initializer="he_normal",  # with Keras' default the signal fades without BatchNorm
        name=name,
    )
    return convolution(x)
