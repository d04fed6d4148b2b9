"""The evidence in a video: the scores of its crops, combined into the video's probability.

An evaluation takes the same steps: the log-odds of a track are the mean over its crops, shrunk
towards that of the video, the video gets the score of its most suspicious track, and the detector's
calibration turns that into a probability. The calibration was fitted to videos: the scores of
tracks and crops are on its scale, to be compared with that of the video, and are no probabilities.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import numpy as np

from dfd.arrays import Scores
from dfd.faces.record import Crop
from dfd.labels import PRIOR
from dfd.scan.record import FrameScore, Track, TrackFrame
from dfd.scoring.aggregate import Values, log_odds, probability, softly_limited, track_odds
from dfd.scoring.decision import Calibration

# The 0.975 quantile of Student's t for 1 to 30, 40, 60, 120 and infinitely many degrees of freedom.
# The table spares a scan the import of SciPy.
_FREEDOM = [*range(1, 31), 40, 60, 120, np.inf]
_T = [
    *(12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281),
    *(2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860),
    *(2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423),
    *(2.0211, 2.0003, 1.9799, 1.9600),
]


@dataclass(frozen=True)
class Evidence:
    """The evidence in the crops of a video. Scores are 0..1, from REAL to FAKE.

    Attributes:
        probability: P(FAKE) of the video, at the prior.
        interval: ``odds_interval`` of the track that decides, as probabilities; None if that track
            has one crop only.
        deciding_crops: Number of crops of that track.
        tracks: The tracks, ordered by number, with their crops ordered by time.
        frames: The highest score of each judged frame, ordered by time.
    """

    probability: float
    interval: tuple[float, float] | None
    deciding_crops: int
    tracks: tuple[Track, ...]
    frames: tuple[FrameScore, ...]


def weigh(
    crops: Sequence[Crop],
    scores: Scores,
    calibration: Calibration,
    prior: float = PRIOR,
) -> Evidence:
    """Combine the scores of a video's crops.

    Args:
        crops: The crops, at least one, ordered by frame and track.
        scores: uncalibrated P(FAKE) of each crop, float64 (N,), 0..1.
        calibration: Calibration of the detector that computed the scores.
        prior: Share of FAKE among the videos that are judged, between 0 and 1. It changes the
            probability and its interval, and no score.

    Example:
        >>> from dfd.faces.face import Face
        >>> face = Face((10.0, 10.0, 90.0, 110.0), ((50.0, 60.0),) * 5, score=0.9)
        >>> crops = [Crop(i, i / 25, 0, face, sharpness=80.0, jpeg=b"") for i in range(3)]
        >>> evidence = weigh(crops, np.array([0.8, 0.9, 0.7]), Calibration())
        >>> round(evidence.probability, 3), [round(end, 3) for end in evidence.interval]
        (0.814, [0.447, 0.959])
    """
    calibrated = calibration.apply(scores)
    track_frames = [
        TrackFrame(frame=crop.frame, time_s=crop.time_s, box=crop.face.box, score=float(score))
        for crop, score in zip(crops, calibrated, strict=True)
    ]
    numbers, odds = np.array([crop.track for crop in crops]), log_odds(scores)
    combined = track_odds(odds, np.zeros(len(crops), np.int64), numbers)
    track_scores = calibration.apply(probability(combined.odds))
    deciding = int(np.flatnonzero(combined.decides)[0])
    interval = odds_interval(
        softly_limited(odds[numbers == combined.track[deciding]]), combined.odds[deciding]
    )
    return Evidence(
        probability=float(calibration.apply(probability(combined.odds[deciding]), prior)),
        interval=interval and _pair(calibration.apply(probability(interval), prior)),
        deciding_crops=int(combined.crops[deciding]),
        tracks=tuple(
            Track(
                track=int(track),
                score=float(score),
                frames=tuple(
                    frame
                    for frame, number in zip(track_frames, numbers, strict=True)
                    if number == track
                ),
            )
            for track, score in zip(combined.track, track_scores, strict=True)
        ),
        frames=tuple(
            FrameScore(frame=highest.frame, time_s=highest.time_s, score=highest.score)
            for highest in (
                max(faces, key=attrgetter("score"))
                for _, faces in groupby(track_frames, key=attrgetter("frame"))
            )
        ),
    )


def odds_interval(odds: Values, centre: float) -> tuple[float, float] | None:
    """Return the 95 % t interval of a track's log-odds.

    The interval covers what other frames of the same video, sampled in the same way, would have
    given. It is too narrow where neighbouring frames resemble each other. It does not cover errors
    of the detector on this kind of video, nor the limited number of videos behind its calibration.

    Args:
        odds: Uncalibrated log-odds of the track's crops, (N,).
        centre: Uncalibrated log-odds of the track.

    Returns:
        The two ends in log-odds; None with fewer than two crops.

    Example:
        >>> [round(end, 3) for end in odds_interval(np.array([1.0, 2.0, 3.0]), 2.0)]
        [-0.484, 4.484]
        >>> odds_interval(np.array([1.0]), 1.0) is None
        True
    """
    if len(odds) < 2:
        return None
    # Between the rows of the table, t is nearly linear in the inverse of the degrees of freedom.
    inverse_freedom = 1 / np.array(_FREEDOM[::-1])
    t = np.interp(1 / (len(odds) - 1), inverse_freedom, _T[::-1])
    half = t * np.std(odds, ddof=1) / np.sqrt(len(odds))
    return _pair(centre + np.array([-half, half]))


def _pair(values: Values) -> tuple[float, float]:
    low, high = values
    return float(low), float(high)
