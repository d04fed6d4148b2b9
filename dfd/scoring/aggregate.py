"""From crops to tracks to videos.

Everything happens in log-odds: the log-odds of a track are the mean over its crops, and those of a
video the highest of its tracks, since one forged person makes the video FAKE. Calibration is linear
in them and changes no order, so that frames, tracks and videos are on one scale.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Values = npt.NDArray[np.float64]

_SUREST = 0.999  # one crop of a saturated network must not outweigh all others
_ABOUT = ["label", "group"]


def log_odds(scores: npt.ArrayLike) -> Values:
    """Return the log-odds of scores in 0..1, which count as 0.001..0.999."""
    p = np.clip(np.asarray(scores, dtype=np.float64), 1 - _SUREST, _SUREST)
    return np.log(p / (1 - p))


def probability(odds: npt.ArrayLike) -> Values:
    """Return the probability, 0..1, of log-odds."""
    return np.asarray(1 / (1 + np.exp(-np.asarray(odds, dtype=np.float64))))


def odds_of_track(odds: Values) -> float:
    """Return the log-odds of a track from those of its crops, (N,), N from 1 on: their mean."""
    return float(np.mean(odds))


def track_scores(crops: "pd.DataFrame") -> "pd.DataFrame":
    """Return one row per track from one row per crop.

    Args:
        crops: Columns ``video``, ``track``, ``label``, ``group`` and ``score``.

    Returns:
        Columns ``video``, ``track``, ``label``, ``group``, ``score`` and ``crops`` (their number).
    """
    odds = crops.assign(score=log_odds(crops["score"]))
    tracks = odds.groupby(["video", "track"], sort=True).agg(
        **{name: (name, "first") for name in _ABOUT},
        score=("score", odds_of_track),
        crops=("score", "size"),
    )
    return tracks.assign(score=probability(tracks["score"])).reset_index()


def video_scores(crops: "pd.DataFrame") -> "pd.DataFrame":
    """Return one row per video from one row per crop.

    Args:
        crops: As for ``track_scores``.

    Returns:
        Columns ``video``, ``label``, ``group``, ``score`` and ``crops`` (their number), by video.
    """
    videos = (
        track_scores(crops)
        .groupby("video", sort=True)
        .agg(
            **{name: (name, "first") for name in _ABOUT},
            score=("score", "max"),
            crops=("crops", "sum"),
        )
    )
    return videos.reset_index()
