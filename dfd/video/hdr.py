"""Conversion of high dynamic range (HDR) to the range of an ordinary screen (SDR).

The transfer functions PQ and HLG follow ITU-R BT.2100, reference white (203 cd/m²) follows BT.2408,
the colour primaries BT.2087, and the result is BT.709. Light above reference white is clipped, so
that faces keep their contrast. FFmpeg can convert too, but takes two seconds per frame.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorTrc

HDR = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)  # the transfer functions PQ and HLG

_WHITE = 203.0  # reference white, cd/m²
_HLG_PEAK = 1000.0  # peak luminance of the nominal display, cd/m²
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)
_BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)

Floats = npt.NDArray[np.float32]


def to_sdr(rgb: npt.NDArray[np.uint16], transfer: int) -> npt.NDArray[np.uint8]:
    """Convert an HDR picture to SDR.

    Args:
        rgb: uint16 (H, W, 3) RGB with BT.2020 primaries, the full range 0..65535.
        transfer: The transfer function, one of ``HDR``.

    Returns:
        uint8 (H, W, 3) BGR with BT.709 primaries.

    Example:
        >>> to_sdr(np.zeros((1, 1, 3), np.uint16), ColorTrc.SMPTE2084)
        array([[[0, 0, 0]]], dtype=uint8)
    """
    if transfer == ColorTrc.SMPTE2084:
        light = _pq()[rgb]
    else:
        scene = _hlg()[rgb]
        luminance = scene @ _LUMINANCE
        light = scene * (_HLG_PEAK / _WHITE * luminance ** np.float32(0.2))[..., None]
    light = np.clip(light @ _BT2020_TO_BT709.T, 0, 1)
    coded = np.where(light < 0.018, 4.5 * light, 1.099 * light ** np.float32(0.45) - 0.099)
    return np.ascontiguousarray((coded * 255).round().astype(np.uint8)[..., ::-1])


@cache
def _pq() -> Floats:
    """Return light as a multiple of reference white for each 16-bit code of PQ, (65536,)."""
    m1, m2 = 2610 / 16384, 2523 / 32
    c1, c2, c3 = 3424 / 4096, 2413 / 128, 2392 / 128
    root = np.linspace(0, 1, 2**16) ** (1 / m2)
    light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return (light * 10000 / _WHITE).astype(np.float32)


@cache
def _hlg() -> Floats:
    """Return scene light, 0..1, for each 16-bit code of HLG, (65536,)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    code = np.linspace(0, 1, 2**16)
    return np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12).astype(np.float32)
