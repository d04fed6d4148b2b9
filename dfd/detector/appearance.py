"""What the crops of a video look like, whoever they show: tone, colour and texture in numbers.

Two sets of videos that were filmed, lit, compressed or rendered in different ways differ in these
statistics. They tell whether a video resembles the videos that a detector was trained on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from dfd.arrays import Images

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Statistic:
    """One statistic of a crop.

    Attributes:
        name: Its name, a column of tables and a key of the card.
        spread: How much videos of one data set usually differ in it: about the standard deviation
            over the videos of FaceForensics++, in its own units.
        less: What a face with an unusually low value is, compared with others.
        more: What a face with an unusually high value is.
    """

    name: str
    spread: float
    less: str
    more: str


# From the luma (0..255) and the colour axes of CIELAB (0..255, 128 is grey).
TONE = (
    Statistic("log_sharpness", 0.4, "more blurred", "sharper"),
    Statistic("contrast", 8.0, "lower in contrast", "higher in contrast"),
    Statistic("brightness", 16.0, "darker", "brighter"),
    Statistic("mean_green_red", 4.0, "greener", "redder"),
    Statistic("mean_blue_yellow", 6.0, "bluer", "yellower"),
    Statistic("spread_green_red", 3.0, "less colourful", "more colourful"),
    Statistic("spread_blue_yellow", 4.0, "less colourful", "more colourful"),
)
# From the noise, and from the power spectrum: each band of frequencies relative to the one below.
TEXTURE = (
    Statistic("noise", 0.25, "less noisy", "noisier"),
    Statistic("coarse_detail", 0.25, "poorer in coarse detail", "richer in coarse detail"),
    Statistic("medium_detail", 0.25, "poorer in medium detail", "richer in medium detail"),
    Statistic("small_detail", 0.25, "poorer in small detail", "richer in small detail"),
    Statistic("fine_detail", 0.3, "poorer in fine detail", "richer in fine detail"),
    Statistic("finest_detail", 0.4, "poorer in the finest detail", "richer in the finest detail"),
)
# From local binary patterns: how many of the eight neighbours of a pixel are at least as bright.
PATTERNS = (
    Statistic("bright_specks", 0.26, "poorer in bright specks", "richer in bright specks"),
    Statistic("bright_ends", 0.24, "poorer in fine bright lines", "richer in fine bright lines"),
    Statistic("bright_lines", 0.15, "poorer in fine bright lines", "richer in fine bright lines"),
    Statistic("bright_corners", 0.12, "poorer in bright corners", "richer in bright corners"),
    Statistic("edges", 0.11, "poorer in edges", "richer in edges"),
    Statistic("clean_edges", 0.09, "poorer in clean edges", "richer in clean edges"),
    Statistic("dark_lines", 0.06, "poorer in fine dark lines", "richer in fine dark lines"),
    Statistic("dark_ends", 0.13, "poorer in fine dark lines", "richer in fine dark lines"),
    Statistic("flat_areas", 0.43, "rougher", "smoother"),
)
STATISTICS = (*TONE, *TEXTURE, *PATTERNS)

_BANDS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0)  # ends of the bands; 1 is half the sampling rate
# The neighbours of a pixel (row, column), once around it.
_NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
_NOISE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float64)


def names(statistics: tuple[Statistic, ...]) -> list[str]:
    """Return the names of statistics, which are columns of tables."""
    return [statistic.name for statistic in statistics]


def image_statistics(crop: Images) -> Values:
    """Return the statistics of one crop, float64 (22,), in the order of ``STATISTICS``.

    They are the log variance of the Laplacian of the luma (sharpness); the standard deviation
    (contrast) and mean (brightness) of the luma; the mean and the standard deviation of the two
    colour axes of CIELAB; the log of the noise, by Immerkær, *Fast noise variance estimation*
    (1996); the log ratios of the power in neighbouring bands of frequencies, from coarse detail to
    the finest; and the log shares of the uniform local binary patterns, by Ojala et al.,
    *Multiresolution gray-scale and rotation invariant texture classification with local binary
    patterns* (2002).

    Args:
        crop: uint8 (S, S, 3), RGB, S at least 32.

    Example:
        A crop of one shade of grey:

        >>> import numpy as np
        >>> values = image_statistics(np.full((64, 64, 3), 100, np.uint8))
        >>> statistics = dict(zip(names(STATISTICS), values.tolist()))
        >>> statistics["brightness"], statistics["contrast"], statistics["log_sharpness"]
        (100.0, 0.0, 0.0)
    """
    luma: Images = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.uint8)
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB)[..., 1:].reshape(-1, 2).astype(np.float64)
    laplacian = cv2.Laplacian(luma, cv2.CV_64F)
    precise = luma.astype(np.float64)
    noise = np.abs(cv2.filter2D(precise, -1, _NOISE))[1:-1, 1:-1].mean()
    return np.array(
        [
            *(np.log1p(laplacian.var()), precise.std(), precise.mean()),
            *(*lab.mean(axis=0), *lab.std(axis=0)),
            *(np.log(noise + 0.1), *np.diff(_band_powers(precise))),
            *_pattern_shares(luma),
        ]
    )


def measure_images(crops: Iterable[Images]) -> Values:
    """Return the statistics of crops, float64 (N, 22), in the order of ``STATISTICS``.

    Args:
        crops: N images, uint8 (S, S, 3), RGB; N may be 0.
    """
    values = [image_statistics(crop) for crop in crops]
    return np.array(values, np.float64).reshape(len(values), len(STATISTICS))


def _pattern_shares(luma: Images) -> Values:
    """Return the log share of pixels with each uniform local binary pattern, float64 (9,).

    A pattern is uniform if the neighbours that are at least as bright follow one another. The
    number of those neighbours, 0..8, tells such patterns apart, however they are rotated.
    """
    height, width = luma.shape
    centre = luma[1:-1, 1:-1]
    brighter = np.stack(
        [
            luma[1 + down : height - 1 + down, 1 + right : width - 1 + right] >= centre
            for down, right in _NEIGHBOURS
        ]
    )
    changes = np.count_nonzero(brighter != np.roll(brighter, 1, axis=0), axis=0)
    counts = np.count_nonzero(brighter, axis=0)[changes <= 2]
    return np.log(np.bincount(counts, minlength=len(PATTERNS)) / centre.size + 0.002)


def _band_powers(luma: Values) -> Values:
    """Return the log of the mean power in each band of frequencies, float64 (6,)."""
    window, bands = _window_and_bands(len(luma))
    power = np.abs(np.fft.rfft2((luma - luma.mean()) * window)) ** 2
    return np.log([power[band].mean() + 1e-6 for band in bands])


@lru_cache(maxsize=4)
def _window_and_bands(side: int) -> tuple[Values, list[npt.NDArray[np.bool_]]]:
    """Return the Hann window, and for each band which values of ``rfft2`` are in it."""
    window = np.hanning(side)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)) / 0.5
    limits = pairwise(_BANDS)
    return np.outer(window, window), [
        (frequency >= low) & (frequency < high) for low, high in limits
    ]
