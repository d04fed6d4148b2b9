"""How many videos get a verdict, and how often a verdict is wrong."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dfd.scoring.aggregate import log_odds


@dataclass(frozen=True)
class Coverage:
    """Of all videos of a part.

    Attributes:
        videos: Number of videos, those without a crop included.
        without_face: Those without a crop.
        inconclusive: Those with a crop whose score lies in the inconclusive band.
        coverage: Share of the videos with a verdict, 0..1.
        error: Share of the verdicts that are wrong, 0..1; None without a verdict.
    """

    videos: int
    without_face: int
    inconclusive: int
    coverage: float
    error: float | None


def coverage_of(scored: pd.DataFrame, videos: int) -> Coverage:
    """Count verdicts.

    Args:
        scored: A row per video with a crop; columns ``label`` and ``verdict``.
        videos: Number of videos, those without a crop included.
    """
    given = scored[scored["verdict"] != "INCONCLUSIVE"]
    error = float((given["verdict"] != given["label"]).mean()) if len(given) else None
    return Coverage(
        videos, videos - len(scored), len(scored) - len(given), len(given) / videos, error
    )


def risk_coverage(scored: pd.DataFrame, threshold: float, videos: int) -> pd.DataFrame:
    """Return the risk-coverage curve: verdicts given to the surest videos first.

    El-Yaniv and Wiener, *On the foundations of noise-free selective classification*, JMLR 2010.
    Videos equally far from the threshold, in log-odds, get theirs together.

    Args:
        scored: A row per video with a crop; columns ``label`` and ``score``.
        threshold: Scores from here on are called FAKE.
        videos: Number of videos, those without a crop included.

    Returns:
        Columns ``coverage`` (share of all videos) and ``risk`` (share of wrong verdicts), 0..1.
    """
    odds = log_odds(scored["score"]) - log_odds(threshold)
    far = np.abs(odds).round(9)
    order = np.argsort(-far, kind="stable")
    wrong = np.cumsum(((odds >= 0) != (scored["label"] == "FAKE").to_numpy())[order])
    last = np.diff(far[order], append=-1.0) < 0
    given = np.arange(1, len(order) + 1)
    return pd.DataFrame({"coverage": (given / videos)[last], "risk": (wrong / given)[last]})
