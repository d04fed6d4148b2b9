"""MesoInception-4, a small network for mesoscopic traces of forgery.

Afchar, Nozick, Yamagishi and Echizen, *MesoNet: a Compact Facial Video Forgery Detection Network*
(WIFS 2018, arXiv:1809.00888), figure 5 and table 1. The last layer of the paper's classifier is
left out: ``build_model`` puts the same head on every backbone.
"""

from typing import Any

from keras import Input, Model, layers


def meso_inception4(input_size: int, dropout: float) -> Model:
    """Return the network without classifier, up to its 16 features, with random weights.

    Args:
        input_size: Side S in pixels of the square input, at least 32; 256 in the paper.
        dropout: Dropout rate before the hidden layer, 0..1; 0.5 in the paper.

    Returns:
        A model from float32 (N, S, S, 3) RGB in 0..1 to float32 (N, 16). Its layers have fixed
        names, so that all models of a process are saved with the same bytes.
    """
    pixels = Input((input_size, input_size, 3), name="meso_pixels")
    x = _inception(pixels, (1, 4, 4, 2), name="meso_inception1")
    x = _norm_and_pool(x, 2, name="meso_block1")
    x = _inception(x, (2, 4, 4, 2), name="meso_inception2")
    x = _norm_and_pool(x, 2, name="meso_block2")
    x = _conv(x, 16, 5, name="meso_conv3")
    x = _norm_and_pool(x, 2, name="meso_block3")
    x = _conv(x, 16, 5, name="meso_conv4")
    x = _norm_and_pool(x, 4, name="meso_block4")
    x = layers.Flatten(name="meso_flatten")(x)
    x = layers.Dropout(dropout, name="meso_dropout")(x)
    x = layers.Dense(16, name="meso_hidden")(x)
    features = layers.LeakyReLU(negative_slope=0.1, name="meso_features")(x)
    return Model(pixels, features, name="mesonet")


def _inception(x: Any, filters: tuple[int, int, int, int], name: str) -> Any:
    """Join four branches: a 1×1 convolution, and 1×1 then 3×3 with dilation 1, 2 and 3."""
    branches = [_conv(x, filters[0], 1, name=f"{name}_a")]
    for branch, dilation in zip("bcd", (1, 2, 3), strict=True):
        width = filters[dilation]
        reduced = _conv(x, width, 1, name=f"{name}_{branch}_reduce")
        branches.append(_conv(reduced, width, 3, name=f"{name}_{branch}", dilation=dilation))
    return layers.Concatenate(name=name)(branches)


def _conv(x: Any, filters: int, kernel: int, name: str, dilation: int = 1) -> Any:
    convolution = layers.Conv2D(
        filters, kernel, padding="same", dilation_rate=dilation, activation="relu", name=name
    )
    return convolution(x)


def _norm_and_pool(x: Any, size: int, name: str) -> Any:
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.MaxPooling2D(size, padding="same", name=f"{name}_pool")(x)
