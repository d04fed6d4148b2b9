"""Augmentation on the device that trains: mirroring, and the tone of a crop.

These operations are cheap on any device, so a batch carries only their seven numbers per crop.
Augmentation that needs a codec, a warp or a mask is done on the CPU in ``dfd.train.feed.augment``.
"""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

TONE_FIELDS = ("mirror", "gamma", "contrast", "brightness", "red", "green", "blue")
UNCHANGED = np.array([0, 1, 1, 0, 1, 1, 1], np.float32)


def draw_tone(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Draw the mirroring and the tone of one crop; each is changed half of the time.

    Returns:
        float32 (7,) in the order of ``TONE_FIELDS``: mirror (0 or 1), gamma, contrast, brightness
        (as a share of white), and the gain of each channel.

    Example:
        >>> import numpy as np
        >>> draw_tone(np.random.default_rng(2)).round(2).tolist() == UNCHANGED.tolist()
        False
    """
    tone = UNCHANGED.copy()
    tone[0] = rng.random() < 0.5
    if rng.random() < 0.5:
        tone[1] = rng.uniform(0.8, 1.25)
        tone[2] = rng.uniform(0.8, 1.2)
        tone[3] = rng.uniform(-0.08, 0.08)
        tone[4:] = rng.uniform(0.95, 1.05, size=3)
    return tone


class ToneAugmentation(keras.layers.Layer):  # type: ignore[misc]
    """Layer that mirrors crops and changes their tone.

    Inputs: RGB 0..255 (N, S, S, 3) of any dtype, and float32 (N, 7) of ``draw_tone``. Output:
    float32 RGB 0..255 (N, S, S, 3).

    Example:
        >>> import numpy as np
        >>> crop = np.array([[[[0, 100, 200], [50, 50, 50]]]], np.uint8)  # one row of two pixels
        >>> mirrored = np.array([[1, 1, 1, 0, 1, 1, 1]], np.float32)
        >>> np.asarray(ToneAugmentation()(crop, mirrored)).round().tolist()
        [[[[50.0, 50.0, 50.0], [0.0, 100.0, 200.0]]]]
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(dtype="float32", **settings)  # bfloat16 cannot represent 256 levels

    def call(self, pixels: Any, tones: Any) -> Any:
        """Apply mirror, gamma, contrast, brightness and gains, in this order; clip to 0..255."""
        pixels = ops.cast(pixels, "float32") / 255.0
        tones = ops.cast(tones, "float32")[:, None, None, :]
        mirrored = ops.where(tones[..., 0:1] > 0.5, ops.flip(pixels, axis=2), pixels)
        levels = ops.power(mirrored, tones[..., 1:2])
        levels = (levels - 0.5) * tones[..., 2:3] + 0.5 + tones[..., 3:4]
        return ops.clip(255.0 * levels * tones[..., 4:7], 0.0, 255.0)


def with_tone_augmentation(network: keras.Model) -> keras.Model:
    """Return a model of ``(pixels, tones)`` that augments the pixels and feeds them to a network.

    Args:
        network: A model of pixels, such as ``build_model`` returns; its layers are shared.

    Returns:
        A model from uint8 (N, S, S, 3) RGB and float32 (N, 7) to the output of the network.
    """
    pixels = keras.Input(network.input_shape[1:], name="pixels", dtype="uint8")
    tones = keras.Input((len(TONE_FIELDS),), name="tones", dtype="float32")
    augmented = ToneAugmentation()(pixels, tones)
    return keras.Model([pixels, tones], network(augmented), name="with_tone_augmentation")
