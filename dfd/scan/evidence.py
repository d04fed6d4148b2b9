"""From the scores of a video's crops to its probability, with what that rests on.

The same steps as in an evaluation: the log-odds of a track are the mean over its crops, the video
scores as its most suspicious track, and everything is calibrated as the detector says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from dfd.faces.record import Crop
from dfd.scan.record import FrameScore, Track, TrackFrame
from dfd.scoring.aggregate import Values, log_odds, odds_of_track, probability
from dfd.scoring.decision import Calibration

# Student's t, the quantile 0.975, for 1 to 30 degrees of freedom and for 40, 60, 120 and all.
_FREEDOM = [*range(1, 31), 40, 60, 120, np.inf]
_T = [
    *(12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281),
    *(2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860),
    *(2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423),
    *(2.0211, 2.0003, 1.9799, 1.9600),
]


@dataclass(frozen=True)
class Evidence:
    """What the crops of a video say; everything calibrated.

    Attributes:
        probability: P(FAKE) of the video: that of its most suspicious track.
        interval: ``odds_interval`` of that track; None with fewer than two crops.
        tracks: The tracks by number, each with its crops by time.
        frames: The highest score of each judged frame, by time.
    """

    probability: float
    interval: tuple[float, float] | None
    tracks: tuple[Track, ...]
    frames: tuple[FrameScore, ...]


def weigh(
    crops: Sequence[Crop], scores: npt.NDArray[np.float32], calibration: Calibration
) -> Evidence:
    """Return what the scores of a video's crops add up to.

    Args:
        crops: At least one, by frame and track.
        scores: P(FAKE) of each as the network gives it, (N,).
        calibration: From scores to probabilities.
    """
    calibrated = calibration.apply(scores)
    shown = [
        TrackFrame(frame=crop.frame, time_s=crop.time_s, box=crop.face.box, score=float(score))
        for crop, score in zip(crops, calibrated, strict=True)
    ]
    of_track = np.array([crop.track for crop in crops])
    odds = {int(track): log_odds(scores[of_track == track]) for track in np.unique(of_track)}
    score = {track: probability(odds_of_track(values)) for track, values in odds.items()}
    deciding = max(score, key=lambda track: float(score[track]))
    interval = odds_interval(odds[deciding])
    return Evidence(
        probability=float(calibration.apply(score[deciding])),
        interval=interval and _ends(calibration.apply(probability(interval))),
        tracks=tuple(
            Track(
                track=track,
                score=float(calibration.apply(score[track])),
                frames=tuple(one for one, its in zip(shown, of_track, strict=True) if its == track),
            )
            for track in sorted(score)
        ),
        frames=tuple(
            FrameScore(frame=best.frame, time_s=best.time_s, score=best.score)
            for best in (
                max(at_once, key=attrgetter("score"))
                for _, at_once in groupby(shown, key=attrgetter("frame"))
            )
        ),
    )


def odds_interval(odds: Values) -> tuple[float, float] | None:
    """Return the 95 % t interval of the mean of a track's log-odds; None with fewer than two.

    It covers what other frames of this video, sampled alike, would have given. It does not cover
    that frames resemble each other, which makes it too narrow, nor that the detector may be wrong
    about such videos, nor that its calibration rests on a number of validation videos.

    Args:
        odds: Log-odds of the track's crops, (N,), uncalibrated.
    """
    if len(odds) < 2:
        return None
    freedom = 1 / np.array(_FREEDOM[::-1])
    t = np.interp(1 / (len(odds) - 1), freedom, _T[::-1])
    half = t * np.std(odds, ddof=1) / np.sqrt(len(odds))
    return _ends(odds_of_track(odds) + np.array([-half, half]))


def _ends(values: Values) -> tuple[float, float]:
    low, high = values
    return float(low), float(high)
