"""What happens to videos on their way, one knob at a time: a table of perturbations by name.

H.264 is done to the whole video, from which faces are then found and cropped anew, because a
platform compresses the video and not the crop: at a high CRF the cropper suffers too, and a crop
inherits the damage of frames it was predicted from. (Measured on 2 cores: 0.3 CPU-seconds for 75
frames of 360×288 at CRF 23 with what follows, 30 for 300 frames of 1920×1080.) The others are done
to the stored crops, in pixels and grey levels of those. A new one is a line in one of the tables.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar
from zlib import crc32

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from dfd import compress
from dfd.robustness.reencode import reencode
from dfd.video.frames import sample_indices

Pixels = npt.NDArray[np.uint8]
F = TypeVar("F", bound=Callable[..., Any])

OnVideo = Callable[[Path, Path, float], None]
OnCrop = Callable[[Pixels, float, np.random.Generator], Pixels]
OnTable = Callable[[pd.DataFrame, float], pd.DataFrame]


@dataclass(frozen=True)
class Perturbation(Generic[F]):
    """One kind of damage.

    Attributes:
        function: What does it at a level.
        unit: What the levels are counted in.
        levels: Those measured, in the order of an axis.
        clean_at: How many of them lie before the untouched video on that axis.
    """

    function: F
    unit: str
    levels: tuple[float, ...]
    clean_at: int = 0


def jpeg(crop: Pixels, quality: float, rng: np.random.Generator) -> Pixels:
    """Compress as JPEG of a quality of 1..100, OpenCV's scale."""
    return np.asarray(compress.jpeg(crop[None], int(quality))[0], np.uint8)


def scale(crop: Pixels, factor: float, rng: np.random.Generator) -> Pixels:
    """Shrink to ``factor`` of the side by averaging areas, and enlarge again by cubics."""
    side = len(crop)
    small = max(1, round(side * factor))
    shrunk = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(shrunk, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def blur(crop: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Blur by a Gaussian of ``sigma`` pixels."""
    return np.asarray(cv2.GaussianBlur(crop, (0, 0), sigma), np.uint8)


def noise(crop: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Add Gaussian noise of ``sigma`` grey levels, independent in each pixel and channel."""
    noisy = crop + sigma * rng.standard_normal(crop.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def gamma(crop: Pixels, exponent: float, rng: np.random.Generator) -> Pixels:
    """Raise values, as 0..1, to the power of ``exponent``: below 1 brightens, above 1 darkens."""
    curve = 255 * (np.arange(256) / 255) ** exponent
    return np.asarray(cv2.LUT(crop, np.rint(curve).astype(np.uint8)), np.uint8)


def fewer_frames(crops: pd.DataFrame, wanted: float) -> pd.DataFrame:
    """Return the rows of ``wanted`` frames of each video, spread over those with a crop.

    Args:
        crops: Columns ``video`` and ``frame``, one row a crop.
        wanted: Frames a video; one that has fewer keeps all.
    """
    kept = [
        rows[rows["frame"].isin(frames[sample_indices(len(frames), int(wanted))])]
        for _, rows in crops.groupby("video", sort=False)
        for frames in [np.sort(rows["frame"].unique())]
    ]
    return pd.concat(kept)


ON_VIDEO: Mapping[str, Perturbation[OnVideo]] = {
    "h264": Perturbation(reencode, "CRF", (18, 23, 28, 34, 40)),
}
ON_CROP: Mapping[str, Perturbation[OnCrop]] = {
    "jpeg": Perturbation(jpeg, "quality", (90, 70, 50, 30, 10)),
    "scale": Perturbation(scale, "share of the side", (0.75, 0.5, 0.35, 0.25)),
    "blur": Perturbation(blur, "σ in pixels", (0.5, 1, 2, 4)),
    "noise": Perturbation(noise, "σ in grey levels", (2, 5, 10, 20)),
    "gamma": Perturbation(gamma, "exponent", (0.4, 0.6, 0.8, 1.25, 1.6, 2.5), clean_at=3),
}
ON_TABLE: Mapping[str, Perturbation[OnTable]] = {
    "frames": Perturbation(fewer_frames, "frames a video", (8, 4, 2, 1)),
}
PERTURBATIONS: Mapping[str, Perturbation[Any]] = {**ON_VIDEO, **ON_CROP, **ON_TABLE}


def perturb_crops(
    crops: Pixels, names: pd.Series, perturbation: Perturbation[OnCrop], level: float | None
) -> Pixels:
    """Return crops after a perturbation, each by itself; at the level None, as they are.

    Args:
        crops: uint8 (N, S, S, 3) RGB; left unchanged.
        names: A name for each. What is random follows from it, at all levels by the same draws.
        perturbation: One of ``ON_CROP``.
        level: One of its levels, or None.

    Returns:
        uint8 (N, S, S, 3) RGB.
    """
    if level is None:
        return crops
    altered = np.empty_like(crops)
    for target, crop, name in zip(altered, crops, names, strict=True):
        rng = np.random.default_rng(crc32(str(name).encode()))
        target[:] = perturbation.function(crop, level, rng)
    return altered
