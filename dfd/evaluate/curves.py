"""The points of an evaluation's curves, as tables; the pictures and ``dvc plots`` both draw them.

A curve that needs both classes has no points where one is absent.
"""

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_curve

from dfd.scoring.aggregate import log_odds
from dfd.scoring.metrics import BINS, is_fake


def roc_points(labels: pd.Series, scores: pd.Series) -> pd.DataFrame:
    """Return the points of the ROC curve, with FAKE as the positive class.

    Args:
        labels: ``REAL`` or ``FAKE``, one per video.
        scores: P(FAKE) of the videos, 0..1, in the same order.

    Returns:
        Columns ``fpr`` and ``tpr``, 0..1 and rising, and ``threshold``. The threshold of the first
        point lies above every score and is written as 1. No rows where only one class is present.

    Example:
        >>> import pandas as pd
        >>> from dfd.evaluate.curves import roc_points
        >>> roc_points(pd.Series(["REAL", "FAKE"]), pd.Series([0.6, 0.4]))
           fpr  tpr  threshold
        0  0.0  0.0        1.0
        1  1.0  0.0        0.6
        2  1.0  1.0        0.4
    """
    if labels.nunique() < 2:
        return pd.DataFrame(columns=["fpr", "tpr", "threshold"], dtype=float)
    fpr, tpr, thresholds = roc_curve(labels == "FAKE", scores)
    return pd.DataFrame({"fpr": fpr, "tpr": tpr, "threshold": np.minimum(thresholds, 1.0)})


def pr_points(labels: pd.Series, scores: pd.Series) -> pd.DataFrame:
    """Return the points of the precision-recall curve, with FAKE as the positive class.

    Args:
        labels: ``REAL`` or ``FAKE``, one per video.
        scores: P(FAKE) of the videos, 0..1, in the same order.

    Returns:
        Columns ``recall``, rising from 0 to 1, ``precision`` and ``threshold``. The threshold of
        the first point lies above every score; that point has a precision and a threshold of 1. No
        rows where only one class is present.

    Example:
        >>> import pandas as pd
        >>> from dfd.evaluate.curves import pr_points
        >>> pr_points(pd.Series(["REAL", "FAKE"]), pd.Series([0.4, 0.6]))
           recall  precision  threshold
        0     0.0        1.0        1.0
        1     1.0        1.0        0.6
        2     1.0        0.5        0.4
    """
    if labels.nunique() < 2:
        return pd.DataFrame(columns=["recall", "precision", "threshold"], dtype=float)
    precision, recall, thresholds = precision_recall_curve(
        labels == "FAKE", scores, drop_intermediate=True
    )
    points = {"recall": recall, "precision": precision, "threshold": np.append(thresholds, 1.0)}
    return pd.DataFrame(points)[::-1].reset_index(drop=True)


def reliability_bins(labels: pd.Series, scores: pd.Series) -> pd.DataFrame:
    """Return, for videos of similar score, the share that is FAKE: the reliability diagram.

    The bins are the same as those of ``Metrics.ece``.

    Args:
        labels: ``REAL`` or ``FAKE``, one per video.
        scores: Calibrated P(FAKE) of the videos, 0..1, in the same order.

    Returns:
        One row per bin that holds a video: ``low`` (lower end of the bin), ``score`` (mean score of
        its videos), ``fake_share`` (share of them that is FAKE, 0..1) and ``videos`` (their
        number).

    Example:
        Of the two videos that were called FAKE with a probability of 0.81, only one is:

        >>> import pandas as pd
        >>> from dfd.evaluate.curves import reliability_bins
        >>> labels, scores = pd.Series(["REAL", "REAL", "FAKE"]), pd.Series([0.0, 0.81, 0.81])
        >>> reliability_bins(labels, scores)
           low  score  fake_share  videos
        0  0.0   0.00         0.0       1
        1  0.8   0.81         0.5       2
    """
    low = np.minimum((scores * BINS).astype(int), BINS - 1) / BINS
    table = pd.DataFrame({"low": low, "score": scores, "fake": is_fake(labels)})
    return table.groupby("low", as_index=False).agg(
        score=("score", "mean"), fake_share=("fake", "mean"), videos=("fake", "size")
    )


def risk_coverage(scored: pd.DataFrame, threshold: float, videos: int) -> pd.DataFrame:
    """Return the risk-coverage curve of selective classification.

    The curve gives verdicts to the most certain videos first (El-Yaniv and Wiener, *On the
    foundations of noise-free selective classification*, JMLR 2010). Certainty is the distance from
    the threshold in log-odds; videos of equal certainty get their verdicts together.

    Args:
        scored: One row per video with a crop, with the columns ``label`` and ``score`` (0..1).
        threshold: Scores of at least this are predicted FAKE, 0..1.
        videos: Number of all videos, including those without a crop.

    Returns:
        Columns ``coverage``, the share of all videos that have a verdict, and ``risk``, the share
        of those verdicts that are wrong; both 0..1.

    Example:
        The most certain prediction is right and the less certain one is wrong; a third video has no
        face:

        >>> import pandas as pd
        >>> from dfd.evaluate.curves import risk_coverage
        >>> scored = pd.DataFrame({"label": ["FAKE", "FAKE"], "score": [0.9, 0.4]})
        >>> risk_coverage(scored, threshold=0.5, videos=3).round(2)
           coverage  risk
        0      0.33   0.0
        1      0.67   0.5
    """
    odds = log_odds(scored["score"]) - log_odds(threshold)
    certainty = np.abs(odds).round(9)
    order = np.argsort(-certainty, kind="stable")
    wrong = np.cumsum(((odds >= 0) != (scored["label"] == "FAKE").to_numpy())[order])
    last = np.diff(certainty[order], append=-1.0) < 0  # of the videos of equal certainty
    verdicts = np.arange(1, len(order) + 1)
    return pd.DataFrame({"coverage": (verdicts / videos)[last], "risk": (wrong / verdicts)[last]})
