"""What a detector was trained on: the kinds of video its verdicts may be believed for."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import pandas as pd

_USUAL = (5, 95)  # percentiles of the training crops

Range = tuple[float, float]


class Domain(BaseModel):
    """The training part of the data, in short.

    Attributes:
        datasets: Names of the data sets, sorted.
        methods: How their fakes were made, sorted; empty where the data set does not say.
        real_videos: Number of REAL videos with a crop.
        fake_videos: Number of FAKE videos with a crop.
        face_size: Longer side of the face's box in pixels of the video, from the 5th to the 95th
            percentile of the crops.
        sharpness: Variance of the Laplacian of the crop, likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    real_videos: int
    fake_videos: int
    face_size: Range
    sharpness: Range


def domain_of(crops: "pd.DataFrame", videos: "pd.DataFrame") -> Domain:
    """Return the domain of the crops that a detector is trained on.

    Args:
        crops: Rows of the crops table, one or more: ``video``, ``x1``, ``y1``, ``x2``, ``y2`` and
            ``sharpness``.
        videos: Rows of the manifest, of more videos if need be: ``video``, ``label``, ``method``
            and ``dataset``.
    """
    used = videos[videos["video"].isin(crops["video"])]
    sizes = np.maximum(crops["x2"] - crops["x1"], crops["y2"] - crops["y1"])
    return Domain(
        datasets=tuple(sorted(used["dataset"].dropna().unique())),
        methods=tuple(sorted(used.loc[used["label"] == "FAKE", "method"].dropna().unique())),
        real_videos=int((used["label"] == "REAL").sum()),
        fake_videos=int((used["label"] == "FAKE").sum()),
        face_size=_usual(sizes),
        sharpness=_usual(crops["sharpness"]),
    )


def _usual(values: npt.ArrayLike) -> Range:
    low, high = np.percentile(np.asarray(values, np.float64), _USUAL).round(1)
    return float(low), float(high)
