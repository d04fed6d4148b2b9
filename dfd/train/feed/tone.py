"""Mirror and tone of training crops, changed where the network runs.

They are cheap on any device, so only their few numbers travel with a crop. What needs a codec, a
warp or a mask is done before, in ``dfd.train.augment``.
"""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

LOOK = ("mirror", "gamma", "contrast", "brightness", "red", "green", "blue")
UNCHANGED = np.array([0, 1, 1, 0, 1, 1, 1], np.float32)

Look = npt.NDArray[np.float32]


def draw_look(rng: np.random.Generator) -> Look:
    """Return how a crop will look: mirrored half of the time, of another tone half of the time.

    Returns:
        float32 of the names in ``LOOK``: 0 or 1; then gamma, contrast, brightness (in shares of
        white) and a gain per channel.
    """
    look = UNCHANGED.copy()
    look[0] = rng.random() < 0.5
    if rng.random() < 0.5:
        look[1] = rng.uniform(0.8, 1.25)
        look[2] = rng.uniform(0.8, 1.2)
        look[3] = rng.uniform(-0.08, 0.08)
        look[4:] = rng.uniform(0.95, 1.05, size=3)
    return look


class Tone(keras.layers.Layer):  # type: ignore[misc]
    """Gives crops their look.

    Takes RGB 0..255 (N, S, S, 3) of any type and float32 (N, 7) as from ``draw_look``; returns
    float32 RGB 0..255 (N, S, S, 3).
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(dtype="float32", **settings)  # bfloat16 holds no 256 levels

    def call(self, pixels: Any, look: Any) -> Any:
        """Mirror, then gamma, contrast, brightness and the gains, clipped to 0..255."""
        pixels = ops.cast(pixels, "float32") / 255.0
        look = ops.cast(look, "float32")[:, None, None, :]
        mirrored = ops.where(look[..., 0:1] > 0.5, ops.flip(pixels, axis=2), pixels)
        levels = ops.power(mirrored, look[..., 1:2])
        levels = (levels - 0.5) * look[..., 2:3] + 0.5 + look[..., 3:4]
        return ops.clip(255.0 * levels * look[..., 4:7], 0.0, 255.0)


def with_look(detector: keras.Model) -> keras.Model:
    """Return a model of ``(pixels, looks)`` that shares a detector's layers behind a ``Tone``.

    Args:
        detector: A model of ``build_model``.
    """
    pixels = keras.Input(detector.input_shape[1:], name="pixels", dtype="uint8")
    looks = keras.Input((len(LOOK),), name="looks", dtype="float32")
    return keras.Model([pixels, looks], detector(Tone()(pixels, looks)), name="with_look")
