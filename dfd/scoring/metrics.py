"""Figures of merit of scored items, for any number of weightings at once.

Every score is P(FAKE), 0..1; FAKE is the positive class; a score at the threshold is called FAKE.
Weights are what the bootstrap varies: an item drawn twice weighs two.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

BINS = 15  # of the calibration error, as in Guo et al., ICML 2017
_TINY = 1e-7  # least probability that log loss believes


@dataclass(frozen=True)
class Metrics:
    """Figures of one set of scored items; None where both classes are needed and one is absent.

    Attributes:
        n: Number of items.
        auc: Area under the ROC curve, ties counted half.
        ap: Average precision.
        eer: Equal error rate: where as many REAL are called FAKE as FAKE are called REAL.
        accuracy: Share called rightly at the threshold.
        balanced_accuracy: Mean recall of the classes present, at the threshold.
        log_loss: Mean negative log-likelihood, in nats.
        brier: Mean squared error of the probability.
        ece: Expected calibration error over 15 bins of equal width.
        tpr_at_fpr_1: Share of FAKE found while at most 1 % of REAL are called FAKE.
        tpr_at_fpr_5: Likewise at 5 %.
        tpr_at_fpr_10: Likewise at 10 %.
        tp: FAKE called FAKE.
        tn: REAL called REAL.
        fp: REAL called FAKE.
        fn: FAKE called REAL.
    """

    n: int
    auc: float | None
    ap: float | None
    eer: float | None
    accuracy: float
    balanced_accuracy: float
    log_loss: float
    brier: float
    ece: float
    tpr_at_fpr_1: float | None
    tpr_at_fpr_5: float | None
    tpr_at_fpr_10: float | None
    tp: int
    tn: int
    fp: int
    fn: int


COUNTS = ("n", "tp", "tn", "fp", "fn")
RATES = tuple(field.name for field in fields(Metrics) if field.name not in COUNTS)


def is_fake(labels: "Sequence[str] | pd.Series") -> Flags:
    """Return which labels are FAKE, bool (N,)."""
    return np.asarray(np.asarray(labels) == "FAKE", dtype=bool)


def auc(labels: "Sequence[str] | pd.Series", scores: npt.ArrayLike) -> float | None:
    """Return the area under the ROC curve, or None where only one class is present."""
    fake, values = is_fake(labels), np.asarray(scores, dtype=np.float64)
    value = ranking(fake, values, np.ones((1, len(values))))["auc"][0]
    return None if np.isnan(value) else float(value)


def measure(
    labels: "Sequence[str] | pd.Series", scores: npt.ArrayLike, threshold: float
) -> Metrics:
    """Return the figures of ``scores`` against ``labels``."""
    fake, values = is_fake(labels), np.asarray(scores, dtype=np.float64)
    called = values >= threshold
    rates = {
        name: None if np.isnan(rate[0]) else float(rate[0])
        for name, rate in weighted(fake, values, threshold, np.ones((1, len(values)))).items()
    }
    return Metrics(
        n=len(values),
        tp=int((called & fake).sum()),
        tn=int((~called & ~fake).sum()),
        fp=int((called & ~fake).sum()),
        fn=int((~called & fake).sum()),
        **rates,  # type: ignore[arg-type]  # None only where the field allows it
    )


def weighted(fake: Flags, scores: Values, threshold: float, weights: Values) -> dict[str, Values]:
    """Return the figures of ``RATES`` under many weightings.

    Args:
        fake: Which items are FAKE, bool (N,).
        scores: P(FAKE), float64 (N,).
        threshold: Scores from here on are called FAKE.
        weights: One weighting a row, float64 (B, N), each of a sum above 0.

    Returns:
        float64 (B,) a name; NaN where a class has no weight that the figure needs.
    """
    total = weights.sum(axis=1)
    hits = weights * ((scores >= threshold) == fake)
    p = np.clip(scores, _TINY, 1 - _TINY)
    with np.errstate(invalid="ignore", divide="ignore"):
        recalls = [hits[:, of].sum(axis=1) / weights[:, of].sum(axis=1) for of in (fake, ~fake)]
    bins = np.eye(BINS)[np.minimum((scores * BINS).astype(int), BINS - 1)]
    return {
        **ranking(fake, scores, weights),
        "accuracy": hits.sum(axis=1) / total,
        "balanced_accuracy": _mean_of_present(recalls),
        "log_loss": weights @ -np.log(np.where(fake, p, 1 - p)) / total,
        "brier": weights @ (scores - fake) ** 2 / total,
        "ece": np.abs((weights * (scores - fake)) @ bins).sum(axis=1) / total,
    }


def ranking(fake: Flags, scores: Values, weights: Values) -> dict[str, Values]:
    """Return the figures that only the order of the scores decides; arguments as ``weighted``."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # of each set of equal scores
    drawn = weights[:, order]
    start = np.zeros((len(weights), 1))
    tp = np.hstack([start, np.cumsum(drawn * fake[order], axis=1)[:, last]])
    fp = np.hstack([start, np.cumsum(drawn * ~fake[order], axis=1)[:, last]])
    with np.errstate(invalid="ignore", divide="ignore"):
        tpr, fpr = tp / tp[:, -1:], fp / fp[:, -1:]
        precision = np.nan_to_num(tp / (tp + fp))[:, 1:]
    figures = {
        "auc": np.trapezoid(tpr, fpr, axis=1),
        "ap": (np.diff(tpr, axis=1) * precision).sum(axis=1),
        "eer": _equal_error_rate(tpr, fpr),
        **{
            f"tpr_at_fpr_{percent}": np.where(fpr <= percent / 100 + 1e-12, tpr, 0).max(axis=1)
            for percent in (1, 5, 10)
        },
    }
    one_class = (tp[:, -1] == 0) | (fp[:, -1] == 0)
    return {name: np.where(one_class, np.nan, value) for name, value in figures.items()}


def _equal_error_rate(tpr: Values, fpr: Values) -> Values:
    """Return where the curve, joined by straight lines, meets fpr = 1 - tpr."""
    excess = fpr + tpr - 1  # climbs from -1 to 1
    after = np.argmax(excess >= 0, axis=1)[:, None]
    before = np.maximum(after - 1, 0)
    e0, e1 = (np.take_along_axis(excess, at, axis=1) for at in (before, after))
    f0, f1 = (np.take_along_axis(fpr, at, axis=1) for at in (before, after))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((f0 - e0 * (f1 - f0) / (e1 - e0))[:, 0])


def _mean_of_present(recalls: Sequence[Values]) -> Values:
    stacked = np.stack(recalls)
    present = ~np.isnan(stacked)
    return np.asarray(np.where(present, stacked, 0).sum(axis=0) / present.sum(axis=0))
