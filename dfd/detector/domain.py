"""A detector's domain: a summary of the videos it was trained on and can judge."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import pandas as pd

_USUAL = (5, 95)  # percentiles of the training crops that bound the usual values

Range = tuple[float, float]


class Domain(BaseModel):
    """Summary of the training videos.

    Attributes:
        datasets: Names of the data sets, sorted.
        methods: Names of the forgery methods, sorted; empty where the data sets name none.
        real_videos: Number of REAL videos with at least one crop.
        fake_videos: Number of FAKE videos with at least one crop.
        face_size: Longer side of the face box in pixels of the video: its 5th and 95th percentile
            over the crops.
        sharpness: Variance of the Laplacian of the crop: its 5th and 95th percentile over the
            crops.
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
        crops: The training crops, at least one row, with the columns ``video``, ``x1``, ``y1``,
            ``x2``, ``y2`` (the face box in pixels) and ``sharpness``.
        videos: Rows of the manifest with the columns ``video``, ``label``, ``method`` and
            ``dataset``. Videos without a row in ``crops`` are ignored.

    Example:
        >>> import pandas as pd
        >>> box = {"x1": 0.0, "y1": 0.0, "x2": 80.0, "y2": [90.0, 110.0]}
        >>> crops = pd.DataFrame({"video": ["a.mp4", "b.mp4"], **box, "sharpness": 50.0})
        >>> videos = pd.DataFrame({
        ...     "video": ["a.mp4", "b.mp4"], "label": ["REAL", "FAKE"],
        ...     "method": [None, "face swap"], "dataset": "sample",
        ... })
        >>> domain = domain_of(crops, videos)
        >>> domain.methods, domain.fake_videos, domain.face_size
        (('face swap',), 1, (91.0, 109.0))
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
