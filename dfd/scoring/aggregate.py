"""Scores of crops, combined into scores of tracks and of videos.

All averaging is done in log-odds. The log-odds of a track are the mean of the log-odds of its
crops, shrunk towards the mean over all crops of the video: a face that was seen three times says
little by itself, and the highest of several noisy scores is high by chance. The score of a video is
the highest score among its tracks, because one forged person makes the whole video FAKE.
Calibration (``dfd.scoring.decision``) is linear in log-odds, so the scores of frames, tracks and
videos can share one scale.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Values = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# A track with fewer crops decides only if the video has none with as many, and never for FAKE.
FEWEST_CROPS = 4
# The weight of the whole video, in crops, beside that of a track. In simulated REAL videos of a
# face with 16 crops, of which 5 % are called FAKE, a second face of 1 to 16 crops raises that share
# to 5-8 %; without shrinking to 10-30 %. Of the forged second faces of 8 crops that would be found
# without it, 83 to 97 % still are.
_VIDEO_WEIGHT = 4.0

_LIMIT = float(np.log(999))  # log-odds of one crop beyond this, in both directions, count less
_LEAST = 1e-15  # the smallest score, and the distance of the greatest from 1
_SAME_IN_A_VIDEO = ["label", "group"]


def log_odds(scores: npt.ArrayLike) -> Values:
    """Return the log-odds of scores, float64 of the shape of ``scores``.

    Args:
        scores: P(FAKE), 0..1. Scores are first clipped to 1e-15..1 - 1e-15.

    Example:
        >>> from dfd.scoring.aggregate import log_odds
        >>> log_odds([0.5, 0.9, 0.999]).round(3).tolist()
        [0.0, 2.197, 6.907]
    """
    p = np.clip(np.asarray(scores, dtype=np.float64), _LEAST, 1 - _LEAST)
    return np.log(p) - np.log1p(-p)


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


def precise_scores(probabilities: npt.ArrayLike) -> Values:
    """Return the P(FAKE) of crops, float64 (N,), 0..1, more precise than the network's own.

    In float32 the score of a saturated network is exactly 1 from log-odds of 17 on. The network's
    probability of REAL still tells such crops apart.

    Args:
        probabilities: A network's probabilities of (REAL, FAKE), float32 (N, 2).

    Example:
        >>> import numpy as np
        >>> from dfd.scoring.aggregate import log_odds, precise_scores
        >>> log_odds(precise_scores(np.float32([[0.5, 0.5], [1e-9, 1.0]]))).round(1).tolist()
        [0.0, 20.7]
    """
    real, fake = np.asarray(probabilities, dtype=np.float64).T
    return np.asarray(fake / (real + fake))


def softly_limited(odds: Values) -> Values:
    """Return log-odds of crops, of which those beyond 6.9 (a score of 0.999) grow only slowly.

    One crop of a saturated network therefore does not outweigh all others, and yet no two different
    scores become equal.

    Args:
        odds: Log-odds, float64 (N,).

    Example:
        >>> import numpy as np
        >>> from dfd.scoring.aggregate import softly_limited
        >>> softly_limited(np.array([-2.0, 6.0, 20.0, 30.0])).round(1).tolist()
        [-2.0, 6.0, 9.6, 10.1]
    """
    size = np.abs(odds)
    return np.sign(odds) * np.where(
        size > _LIMIT, _LIMIT + np.log1p(np.maximum(size - _LIMIT, 0)), size
    )


@dataclass(frozen=True)
class TrackOdds:
    """The T tracks of videos, ordered by video and track.

    Attributes:
        video: Number of the video, int64 (T,).
        track: Number of the track, int64 (T,).
        odds: Log-odds of the track, float64 (T,).
        crops: Number of its crops, int64 (T,).
        decides: Whether its score is that of the video, bool (T,); one track of each video does.
    """

    video: Integers
    track: Integers
    odds: Values
    crops: Integers
    decides: npt.NDArray[np.bool_]


def track_odds(odds: Values, video: Integers, track: Integers) -> TrackOdds:
    """Combine the log-odds of crops into those of tracks, and find the track that decides.

    The track with the highest log-odds decides, among those with at least ``FEWEST_CROPS`` crops
    where the video has such a track.

    Args:
        odds: Log-odds of the N crops, float64 (N,).
        video: Number of the video of each crop, from 0, int64 (N,).
        track: Number of its track in the video, int64 (N,).

    Example:
        A face seen eight times, and one that was seen once:

        >>> import numpy as np
        >>> from dfd.scoring.aggregate import track_odds
        >>> odds, track = np.array([-2.0] * 8 + [7.0]), np.array([0] * 8 + [1])
        >>> tracks = track_odds(odds, np.zeros(9, int), track)
        >>> tracks.odds.round(2).tolist(), tracks.decides.tolist()
        ([-1.67, 0.6], [True, False])
    """
    limited = softly_limited(odds)
    of_video = np.bincount(video, limited) / np.maximum(np.bincount(video), 1)
    (videos, tracks), member = np.unique(np.stack([video, track]), axis=1, return_inverse=True)
    crops = np.bincount(member)
    total = np.bincount(member, limited)
    shrunk = (total + _VIDEO_WEIGHT * of_video[videos]) / (crops + _VIDEO_WEIGHT)
    order = np.lexsort((-tracks, shrunk, crops >= FEWEST_CROPS, videos))
    last = np.append(np.diff(videos[order]) > 0, True)[: len(order)]
    decides = np.zeros(len(videos), bool)
    decides[order[last]] = True
    return TrackOdds(videos, tracks, shrunk, crops, decides)


def track_scores(crops: "pd.DataFrame") -> "pd.DataFrame":
    """Return the score of every track.

    Args:
        crops: One row per crop, with the columns ``video``, ``track``, ``label``, ``group`` and
            ``score`` (P(FAKE), 0..1).

    Returns:
        One row per track, with the columns ``video``, ``track``, ``label``, ``group``, ``score``
        (0..1), ``crops`` (the number of crops) and ``decides`` (whether its score is that of the
        video), sorted by video and track.

    Example:
        A track with two crops, and a track with one:

        >>> import pandas as pd
        >>> from dfd.scoring.aggregate import track_scores
        >>> crops = pd.DataFrame({"video": "a.mp4", "track": [0, 0, 1], "score": [0.5, 0.9, 0.2]})
        >>> tracks = track_scores(crops.assign(label="FAKE", group="a"))
        >>> tracks[["track", "score", "crops", "decides"]].round(2).values.tolist()
        [[0, 0.63, 2, True], [1, 0.48, 1, False]]
    """
    first = crops.groupby(["video", "track"], sort=True)[_SAME_IN_A_VIDEO].first().reset_index()
    names = np.sort(crops["video"].unique())
    video = np.searchsorted(names, crops["video"].to_numpy(names.dtype))
    tracks = track_odds(log_odds(crops["score"]), video, crops["track"].to_numpy(np.int64))
    return first.assign(score=probability(tracks.odds), crops=tracks.crops, decides=tracks.decides)


def video_scores(crops: "pd.DataFrame") -> "pd.DataFrame":
    """Return the score of every video: that of its track that decides.

    Args:
        crops: One row per crop, with the columns ``video``, ``track``, ``label``, ``group`` and
            ``score`` (P(FAKE), 0..1).

    Returns:
        One row per video, with the columns ``video``, ``label``, ``group``, ``score`` (0..1),
        ``crops`` (the number of crops) and ``deciding_crops`` (those of the track that decides),
        sorted by video.

    Example:
        A video in which the second person is forged:

        >>> import pandas as pd
        >>> from dfd.scoring.aggregate import video_scores
        >>> crops = pd.DataFrame({"video": "a.mp4", "track": [0] * 8 + [1] * 8})
        >>> crops = crops.assign(score=[0.1] * 8 + [0.9] * 8, label="FAKE", group="a")
        >>> video_scores(crops).round(2)
           video label group  score  crops  deciding_crops
        0  a.mp4  FAKE     a   0.81     16               8
    """
    tracks = track_scores(crops)
    videos = tracks[tracks["decides"]].drop(columns=["track", "decides"])
    total = tracks.groupby("video")["crops"].sum()
    return (
        videos.rename(columns={"crops": "deciding_crops"})
        .assign(crops=videos["video"].map(total))[
            ["video", *_SAME_IN_A_VIDEO, "score", "crops", "deciding_crops"]
        ]
        .reset_index(drop=True)
    )
