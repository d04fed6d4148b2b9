"""Scores of crops, combined into scores of tracks and of videos.

All averaging is done in log-odds. The log-odds of a track are the mean of the log-odds of its
crops. The score of a video is the highest score among its tracks, because one forged person makes
the whole video FAKE. Calibration (``dfd.scoring.decision``) is linear in log-odds and keeps the
order of scores, so frames, tracks and videos can share one calibration and one threshold.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Values = npt.NDArray[np.float64]

_MAX_SCORE = 0.999  # so that one crop of a saturated network does not outweigh all the others
_SAME_IN_A_VIDEO = ["label", "group"]


def log_odds(scores: npt.ArrayLike) -> Values:
    """Return the log-odds of scores, float64 of the shape of ``scores``.

    Args:
        scores: P(FAKE), 0..1. Scores are first clipped to 0.001..0.999.

    Example:
        >>> from dfd.scoring.aggregate import log_odds
        >>> log_odds([0.5, 0.9, 1.0]).round(3).tolist()
        [0.0, 2.197, 6.907]
    """
    p = np.clip(np.asarray(scores, dtype=np.float64), 1 - _MAX_SCORE, _MAX_SCORE)
    return np.log(p / (1 - p))


def probability(odds: npt.ArrayLike) -> Values:
    """Return the probability, 0..1, that belongs to log-odds; the inverse of ``log_odds``.

    Args:
        odds: Log-odds, any real numbers.

    Example:
        >>> from dfd.scoring.aggregate import probability
        >>> probability([-2.197, 0.0, 2.197]).round(3).tolist()
        [0.1, 0.5, 0.9]
    """
    return np.asarray(1 / (1 + np.exp(-np.asarray(odds, dtype=np.float64))))


def odds_of_track(odds: Values) -> float:
    """Return the log-odds of a track: the mean of the log-odds of its crops.

    Args:
        odds: Log-odds of the track's crops, float64 (N,), N at least 1.

    Example:
        >>> import numpy as np
        >>> from dfd.scoring.aggregate import odds_of_track
        >>> odds_of_track(np.array([1.0, 3.0]))
        2.0
    """
    return float(np.mean(odds))


def track_scores(crops: "pd.DataFrame") -> "pd.DataFrame":
    """Return the score of every track.

    Args:
        crops: One row per crop, with the columns ``video``, ``track``, ``label``, ``group`` and
            ``score`` (P(FAKE), 0..1).

    Returns:
        One row per track, with the columns ``video``, ``track``, ``label``, ``group``, ``score``
        (0..1) and ``crops`` (the number of crops), sorted by video and track.

    Example:
        A track with two crops, and a track with one:

        >>> import pandas as pd
        >>> from dfd.scoring.aggregate import track_scores
        >>> crops = pd.DataFrame({"video": "a.mp4", "track": [0, 0, 1], "score": [0.5, 0.9, 0.2]})
        >>> tracks = track_scores(crops.assign(label="FAKE", group="a"))
        >>> tracks[["track", "score", "crops"]].round(2).values.tolist()
        [[0.0, 0.75, 2.0], [1.0, 0.2, 1.0]]
    """
    odds = crops.assign(score=log_odds(crops["score"]))
    tracks = odds.groupby(["video", "track"], sort=True).agg(
        **{name: (name, "first") for name in _SAME_IN_A_VIDEO},
        score=("score", odds_of_track),
        crops=("score", "size"),
    )
    return tracks.assign(score=probability(tracks["score"])).reset_index()


def video_scores(crops: "pd.DataFrame") -> "pd.DataFrame":
    """Return the score of every video: the highest score of its tracks.

    Args:
        crops: One row per crop, with the columns ``video``, ``track``, ``label``, ``group`` and
            ``score`` (P(FAKE), 0..1).

    Returns:
        One row per video, with the columns ``video``, ``label``, ``group``, ``score`` (0..1) and
        ``crops`` (the number of crops), sorted by video.

    Example:
        A video in which the second person is forged:

        >>> import pandas as pd
        >>> from dfd.scoring.aggregate import video_scores
        >>> crops = pd.DataFrame({"video": "a.mp4", "track": [0, 0, 1], "score": [0.1, 0.2, 0.9]})
        >>> video_scores(crops.assign(label="FAKE", group="a"))
           video label group  score  crops
        0  a.mp4  FAKE     a    0.9      3
    """
    videos = (
        track_scores(crops)
        .groupby("video", sort=True)
        .agg(
            **{name: (name, "first") for name in _SAME_IN_A_VIDEO},
            score=("score", "max"),
            crops=("crops", "sum"),
        )
    )
    return videos.reset_index()
