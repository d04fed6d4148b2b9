"""The points of an evaluation's curves as tables, which the pictures and DVC draw alike.

Where one class is absent a curve that needs both has no points.
"""

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_curve

from dfd.scoring.aggregate import log_odds
from dfd.scoring.metrics import BINS, is_fake


def roc_points(labels: pd.Series, scores: pd.Series) -> pd.DataFrame:
    """Return the ROC curve as columns ``fpr``, ``tpr`` and ``threshold``; FAKE is positive.

    The first threshold, above every score, is written as 1.
    """
    if labels.nunique() < 2:
        return pd.DataFrame(columns=["fpr", "tpr", "threshold"], dtype=float)
    fpr, tpr, thresholds = roc_curve(labels == "FAKE", scores)
    return pd.DataFrame({"fpr": fpr, "tpr": tpr, "threshold": np.minimum(thresholds, 1.0)})


def pr_points(labels: pd.Series, scores: pd.Series) -> pd.DataFrame:
    """Return the precision-recall curve as columns ``recall``, ``precision`` and ``threshold``.

    FAKE is positive. Recall climbs from 0 to 1; the first point, above every score, has a precision
    and a threshold of 1.
    """
    if labels.nunique() < 2:
        return pd.DataFrame(columns=["recall", "precision", "threshold"], dtype=float)
    precision, recall, thresholds = precision_recall_curve(
        labels == "FAKE", scores, drop_intermediate=True
    )
    points = {"recall": recall, "precision": precision, "threshold": np.append(thresholds, 1.0)}
    return pd.DataFrame(points)[::-1].reset_index(drop=True)


def reliability_bins(labels: pd.Series, scores: pd.Series) -> pd.DataFrame:
    """Return what became of videos of about one score, a row per bin that has a video.

    The bins are those of ``Metrics.ece``.

    Returns:
        Columns ``low`` (of the bin), ``score`` (mean of its videos), ``fake_share`` and ``videos``.
    """
    low = np.minimum((scores * BINS).astype(int), BINS - 1) / BINS
    table = pd.DataFrame({"low": low, "score": scores, "fake": is_fake(labels)})
    return table.groupby("low", as_index=False).agg(
        score=("score", "mean"), fake_share=("fake", "mean"), videos=("fake", "size")
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
