"""Perturbations of videos: what compression, resizing, filters and cuts do to them.

There are three tables of perturbations, by name: ``ON_VIDEO`` changes the video file, ``ON_CROP``
changes each stored crop, and ``ON_TABLE`` leaves out rows of the crops table. To add a
perturbation, write one function, add one line to the table whose type the function has, and test
the function. The stage, its metrics and its figure take everything else from the tables.

H.264 is in ``ON_VIDEO``, and faces are found and cropped again afterwards, because a platform
compresses the video and not the crop: strong compression disturbs the face detector too, and
damages a frame through the frames it is predicted from. The levels in ``ON_CROP`` are in pixels and
grey levels of the stored crop.
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
    """One kind of perturbation, and the levels at which it is measured.

    Attributes:
        function: Applies the perturbation at a level.
        unit: Unit of the levels, for the axis of the figure.
        levels: The levels, in the order in which the figure shows them.
        clean_at: Number of levels that the figure shows before the unperturbed videos.
    """

    function: F
    unit: str
    levels: tuple[float, ...]
    clean_at: int = 0


def jpeg(crop: Pixels, quality: float, rng: np.random.Generator) -> Pixels:
    """Compress a crop as JPEG and decode it again.

    Args:
        crop: uint8 (S, S, 3), RGB.
        quality: 1..100 on OpenCV's scale; lower loses more.
        rng: Not used.

    Returns:
        uint8 (S, S, 3), RGB.

    Example:
        >>> import numpy as np
        >>> from dfd.robustness.perturbations import jpeg
        >>> rng = np.random.default_rng(0)
        >>> crop = rng.integers(0, 256, (32, 32, 3), np.uint8)
        >>> losses = [np.abs(jpeg(crop, q, rng).astype(int) - crop).mean() for q in (90, 10)]
        >>> bool(losses[0] < losses[1])
        True
    """
    return np.asarray(compress.jpeg(crop[None], int(quality))[0], np.uint8)


def scale(crop: Pixels, factor: float, rng: np.random.Generator) -> Pixels:
    """Shrink a crop by area averaging, and enlarge it to its old size by cubic interpolation.

    Args:
        crop: uint8 (S, S, 3), RGB.
        factor: Side of the shrunken crop as a share of S, 0..1.
        rng: Not used.

    Returns:
        uint8 (S, S, 3), RGB.

    Example:
        A single white pixel loses its brightness to its neighbours:

        >>> import numpy as np
        >>> from dfd.robustness.perturbations import scale
        >>> crop = np.zeros((8, 8, 3), np.uint8)
        >>> crop[3, 3] = 255
        >>> bool(scale(crop, 0.5, np.random.default_rng(0)).max() < 100)
        True
    """
    side = len(crop)
    small = max(1, round(side * factor))
    shrunk = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(shrunk, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def blur(crop: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Blur a crop with a Gaussian.

    Args:
        crop: uint8 (S, S, 3), RGB.
        sigma: Standard deviation of the Gaussian in pixels, above 0.
        rng: Not used.

    Returns:
        uint8 (S, S, 3), RGB.

    Example:
        >>> import numpy as np
        >>> from dfd.robustness.perturbations import blur
        >>> crop = np.zeros((9, 9, 3), np.uint8)
        >>> crop[4, 4] = 255
        >>> blurred = blur(crop, 1.0, np.random.default_rng(0))
        >>> bool(blurred[4, 4, 0] > blurred[4, 3, 0] > blurred[4, 2, 0] > 0)
        True
    """
    return np.asarray(cv2.GaussianBlur(crop, (0, 0), sigma), np.uint8)


def noise(crop: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Add Gaussian noise to a crop, independent in each pixel and channel.

    Args:
        crop: uint8 (S, S, 3), RGB.
        sigma: Standard deviation of the noise in grey levels, 0..255.
        rng: Source of the noise.

    Returns:
        uint8 (S, S, 3), RGB.

    Example:
        >>> import numpy as np
        >>> from dfd.robustness.perturbations import noise
        >>> noisy = noise(np.full((64, 64, 3), 128, np.uint8), 10, np.random.default_rng(0))
        >>> round(float(noisy.std()))
        10
    """
    noisy = crop + sigma * rng.standard_normal(crop.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def gamma(crop: Pixels, exponent: float, rng: np.random.Generator) -> Pixels:
    """Change the brightness of a crop by a power law; black and white stay as they are.

    Args:
        crop: uint8 (S, S, 3), RGB.
        exponent: Exponent of the values scaled to 0..1; below 1 brightens, above 1 darkens.
        rng: Not used.

    Returns:
        uint8 (S, S, 3), RGB.

    Example:
        >>> import numpy as np
        >>> from dfd.robustness.perturbations import gamma
        >>> crop = np.array([[[0, 128, 255]]], np.uint8)
        >>> gamma(crop, 2.0, np.random.default_rng(0)).tolist()
        [[[0, 64, 255]]]
    """
    curve = 255 * (np.arange(256) / 255) ** exponent
    return np.asarray(cv2.LUT(crop, np.rint(curve).astype(np.uint8)), np.uint8)


def fewer_frames(crops: pd.DataFrame, wanted: float) -> pd.DataFrame:
    """Return the crops of fewer frames, evenly spread over the frames that have a crop.

    Args:
        crops: One row per crop, with the columns ``video`` and ``frame``.
        wanted: Number of frames to keep of each video, at least 1. A video with fewer frames keeps
            all of them.

    Returns:
        The rows of ``crops`` that belong to the kept frames.

    Example:
        >>> import pandas as pd
        >>> from dfd.robustness.perturbations import fewer_frames
        >>> crops = pd.DataFrame({"video": "a.mp4", "frame": [0, 10, 20, 30, 40]})
        >>> fewer_frames(crops, 2)["frame"].tolist()
        [10, 30]
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
    """Return crops after a perturbation.

    Args:
        crops: uint8 (N, S, S, 3), RGB; not modified.
        names: A name for each crop, (N,). The name seeds the random numbers of its crop, so the
            result does not depend on the other crops, and all levels use the same random numbers.
        perturbation: One of ``ON_CROP``.
        level: The level to apply; None returns the crops as they are.

    Returns:
        uint8 (N, S, S, 3), RGB.

    Example:
        >>> import numpy as np
        >>> import pandas as pd
        >>> from dfd.robustness.perturbations import ON_CROP, perturb_crops
        >>> crops = np.zeros((2, 16, 16, 3), np.uint8)
        >>> crops[:, 8, 8] = 255
        >>> blurred = perturb_crops(crops, pd.Series(["a", "b"]), ON_CROP["blur"], level=2)
        >>> blurred.shape, bool(blurred.max() < 255)
        ((2, 16, 16, 3), True)
    """
    if level is None:
        return crops
    altered = np.empty_like(crops)
    for target, crop, name in zip(altered, crops, names, strict=True):
        rng = np.random.default_rng(crc32(str(name).encode()))
        target[:] = perturbation.function(crop, level, rng)
    return altered
