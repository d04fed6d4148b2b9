"""Figures of merit at frame and video level, and the group bootstrap that says how sure they are.

Every score is P(FAKE), 0..1; labels are ``REAL`` or ``FAKE``; FAKE is the positive class.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score


@dataclass(frozen=True)
class Metrics:
    """Figures of one set of scored items; ``tp`` counts FAKE called FAKE.

    ``auc`` is None where only one class is present.
    """

    n: int
    auc: float | None
    accuracy: float
    balanced_accuracy: float
    log_loss: float
    tp: int
    tn: int
    fp: int
    fn: int


@dataclass(frozen=True)
class Interval:
    """A 95 % interval and the number of resamples that had both classes."""

    low: float
    high: float
    resamples: int


def video_scores(crops: pd.DataFrame) -> pd.DataFrame:
    """Return one row per video from one row per crop.

    The score of a track is the mean over its crops, and that of a video the highest of its tracks:
    one forged person makes the video FAKE.

    Args:
        crops: Columns ``video``, ``track``, ``label``, ``group`` and ``score``.

    Returns:
        Columns ``video``, ``label``, ``group``, ``score`` and ``crops`` (their number), by video.
    """
    tracks = crops.groupby(["video", "track"], sort=True).agg(
        label=("label", "first"),
        group=("group", "first"),
        score=("score", "mean"),
        crops=("score", "size"),
    )
    videos = tracks.groupby("video", sort=True).agg(
        label=("label", "first"),
        group=("group", "first"),
        score=("score", "max"),
        crops=("crops", "sum"),
    )
    return videos.reset_index()


def auc(labels: Sequence[str] | pd.Series, scores: npt.ArrayLike) -> float | None:
    """Return the area under the ROC curve, or None where only one class is present."""
    fake = np.asarray(labels) == "FAKE"
    if fake.all() or not fake.any():
        return None
    return float(roc_auc_score(fake, np.asarray(scores)))


def measure(labels: Sequence[str] | pd.Series, scores: npt.ArrayLike, threshold: float) -> Metrics:
    """Return the figures of ``scores`` against ``labels``; a score at the threshold is FAKE.

    Balanced accuracy is the mean recall of the classes present.
    """
    fake = np.asarray(labels) == "FAKE"
    values = np.asarray(scores, dtype=np.float64)
    called = values >= threshold
    tp, fn = int((called & fake).sum()), int((~called & fake).sum())
    tn, fp = int((~called & ~fake).sum()), int((called & ~fake).sum())
    recalls = [hit / (hit + miss) for hit, miss in ((tp, fn), (tn, fp)) if hit + miss]
    return Metrics(
        n=len(values),
        auc=auc(labels, values),
        accuracy=(tp + tn) / len(values),
        balanced_accuracy=float(np.mean(recalls)),
        log_loss=float(log_loss(fake, np.clip(values, 1e-7, 1 - 1e-7), labels=[False, True])),
        tp=tp,
        tn=tn,
        fp=fp,
        fn=fn,
    )


def best_threshold(labels: Sequence[str] | pd.Series, scores: npt.ArrayLike) -> float:
    """Return the threshold of the highest balanced accuracy; of equals, the one nearest 0.5.

    Candidates are the midpoints between neighbouring scores, and 0.5.
    """
    values = np.unique(np.asarray(scores, dtype=np.float64))
    candidates = [*((values[1:] + values[:-1]) / 2), 0.5]
    return float(
        max(candidates, key=lambda t: (measure(labels, scores, t).balanced_accuracy, -abs(t - 0.5)))
    )


def group_bootstrap_auc(videos: pd.DataFrame, resamples: int, seed: int) -> Interval | None:
    """Return the 95 % percentile interval of the video AUC, whole groups drawn with replacement.

    Videos of a group are not independent, so the group is what is resampled (Efron and Tibshirani,
    *An Introduction to the Bootstrap*, 1993). Draws with one class alone have no AUC and are drawn
    again, ten rounds at the most; None where both classes never met.

    Args:
        videos: Columns ``group``, ``label`` and ``score``, one row a video.
        resamples: Number of resamples wanted.
        seed: Seed of the draws.
    """
    names, group = np.unique(videos["group"].to_numpy(str), return_inverse=True)
    member = np.eye(len(names))[group]  # (videos, groups)
    fake = (videos["label"] == "FAKE").to_numpy()
    scores = videos["score"].to_numpy(np.float64)
    fakes, reals = scores[fake, None], scores[None, ~fake]
    # wins[g, h]: pairs of a fake of group g and a real of h in the right order, a tie for one half
    wins = member[fake].T @ ((fakes > reals) + 0.5 * (fakes == reals)) @ member[~fake]
    rng = np.random.default_rng(seed)
    values = np.empty(0)
    for _ in range(10):
        drawn = rng.multinomial(len(names), [1 / len(names)] * len(names), size=resamples)
        pairs = (drawn @ member[fake].sum(axis=0)) * (drawn @ member[~fake].sum(axis=0))
        won = np.einsum("bg,gh,bh->b", drawn, wins, drawn, optimize=True)
        values = np.concatenate([values, won[pairs > 0] / pairs[pairs > 0]])[:resamples]
        if len(values) == resamples:
            break
    if not len(values):
        return None
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(float(low), float(high), len(values))
