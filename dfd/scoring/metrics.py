"""Metrics of scored items (crops, tracks or videos), under many weightings at once.

Every score is P(FAKE), 0..1, and FAKE is the positive class. A prediction is FAKE when the score is
at least the threshold. A bootstrap resample is a weighting of the items: an item that was drawn
twice has weight 2, an item that was not drawn has weight 0. Computing the metrics of all resamples
at once as array operations is much faster than copying the items of each resample.
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

BINS = 15  # of the expected calibration error, as in Guo et al., ICML 2017
_MIN_PROBABILITY = 1e-7  # log loss clips probabilities to this, so that it stays finite


@dataclass(frozen=True)
class Metrics:
    """Metrics of one set of scored items.

    A metric that needs both classes is None where only one class is present.

    Attributes:
        n: Number of items.
        auc: Area under the ROC curve, ties counted half.
        ap: Average precision.
        eer: Equal error rate: the false positive rate at the threshold where it equals the false
            negative rate.
        accuracy: Share of correct predictions at the threshold.
        balanced_accuracy: Mean recall of the classes that are present, at the threshold.
        log_loss: Mean negative log-likelihood, in nats.
        brier: Mean squared error of the probability.
        ece: Expected calibration error over 15 bins of equal width, less what is expected of
            perfectly calibrated items of the same scores; 0 where it is no larger.
        tpr_at_fpr_1: Highest true positive rate at a false positive rate of at most 1 %.
        tpr_at_fpr_5: Highest true positive rate at a false positive rate of at most 5 %.
        tpr_at_fpr_10: Highest true positive rate at a false positive rate of at most 10 %.
        tp: Number of FAKE items predicted FAKE.
        tn: Number of REAL items predicted REAL.
        fp: Number of REAL items predicted FAKE.
        fn: Number of FAKE items predicted REAL.
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
    """Return which labels are FAKE.

    Args:
        labels: ``REAL`` or ``FAKE``, N of them.

    Returns:
        bool (N,).

    Example:
        >>> from dfd.scoring.metrics import is_fake
        >>> is_fake(["REAL", "FAKE"]).tolist()
        [False, True]
    """
    return np.asarray(np.asarray(labels) == "FAKE", dtype=bool)


def auc(labels: "Sequence[str] | pd.Series", scores: npt.ArrayLike) -> float | None:
    """Return the area under the ROC curve, or None where only one class is present.

    The AUC is the probability that a random FAKE item has a higher score than a random REAL item;
    a tie counts half.

    Args:
        labels: ``REAL`` or ``FAKE``, N of them.
        scores: P(FAKE), 0..1, (N,).

    Example:
        >>> from dfd.scoring.metrics import auc
        >>> auc(["REAL", "REAL", "FAKE", "FAKE"], [0.1, 0.6, 0.4, 0.9])
        0.75
    """
    fake, values = is_fake(labels), np.asarray(scores, dtype=np.float64)
    value = ranking(fake, values, np.ones((1, len(values))))["auc"][0]
    return None if np.isnan(value) else float(value)


def measure(
    labels: "Sequence[str] | pd.Series", scores: npt.ArrayLike, threshold: float
) -> Metrics:
    """Return every metric of scores against labels.

    Args:
        labels: ``REAL`` or ``FAKE``, N of them, N at least 1.
        scores: P(FAKE), 0..1, (N,).
        threshold: Scores of at least this are predicted FAKE, 0..1.

    Example:
        >>> from dfd.scoring.metrics import measure
        >>> metrics = measure(["REAL", "REAL", "FAKE", "FAKE"], [0.1, 0.6, 0.7, 0.9], 0.5)
        >>> metrics.auc, metrics.accuracy, metrics.fp
        (1.0, 0.75, 1)
    """
    fake, values = is_fake(labels), np.asarray(scores, dtype=np.float64)
    predicted_fake = values >= threshold
    rates = {
        name: None if np.isnan(rate[0]) else float(rate[0])
        for name, rate in weighted(fake, values, threshold, np.ones((1, len(values)))).items()
    }
    return Metrics(
        n=len(values),
        tp=int((predicted_fake & fake).sum()),
        tn=int((~predicted_fake & ~fake).sum()),
        fp=int((predicted_fake & ~fake).sum()),
        fn=int((~predicted_fake & fake).sum()),
        **rates,  # type: ignore[arg-type]  # None only for fields whose type allows it
    )


def weighted(fake: Flags, scores: Values, threshold: float, weights: Values) -> dict[str, Values]:
    """Return the metrics named in ``RATES`` under each of many weightings.

    Args:
        fake: Which items are FAKE, bool (N,).
        scores: P(FAKE), 0..1, float64 (N,).
        threshold: Scores of at least this are predicted FAKE, 0..1.
        weights: One weighting per row, float64 (B, N), at least 0; no row sums to 0.

    Returns:
        By the name of the metric, float64 (B,). NaN where the metric needs both classes and one
        has no weight.

    Example:
        The accuracy of two items, once as they are and once with the second counted three times:

        >>> import numpy as np
        >>> from dfd.scoring.metrics import weighted
        >>> fake, scores = np.array([False, True]), np.array([0.1, 0.4])
        >>> weighted(fake, scores, 0.5, np.array([[1.0, 1.0], [1.0, 3.0]]))["accuracy"].tolist()
        [0.5, 0.25]
    """
    total = weights.sum(axis=1)
    correct = weights * ((scores >= threshold) == fake)
    p = np.clip(scores, _MIN_PROBABILITY, 1 - _MIN_PROBABILITY)
    with np.errstate(invalid="ignore", divide="ignore"):
        recalls = [
            correct[:, members].sum(axis=1) / weights[:, members].sum(axis=1)
            for members in (fake, ~fake)
        ]
    bins = np.eye(BINS)[np.minimum((scores * BINS).astype(int), BINS - 1)]
    off = np.abs((weights * (scores - fake)) @ bins) - _of_sampling(scores, weights, bins)
    return {
        **ranking(fake, scores, weights),
        "accuracy": correct.sum(axis=1) / total,
        "balanced_accuracy": _mean_of_present(recalls),
        "log_loss": weights @ -np.log(np.where(fake, p, 1 - p)) / total,
        "brier": weights @ (scores - fake) ** 2 / total,
        "ece": np.maximum(off.sum(axis=1), 0) / total,
    }


def _of_sampling(scores: Values, weights: Values, bins: Values) -> Values:
    """Return how far each bin is off, on average, where every score is the chance of FAKE.

    Few items are far off by luck alone: 24 perfectly calibrated videos have an ECE of 0.2. What a
    bin is off by is nearly normal, and the mean size of a normal value of variance v is
    sqrt(2 v / pi).
    """
    return np.sqrt(2 / np.pi * (weights**2 @ (bins * (scores * (1 - scores))[:, None])))


def ranking(fake: Flags, scores: Values, weights: Values) -> dict[str, Values]:
    """Return the metrics that depend only on the order of the scores, under each weighting.

    Args:
        fake: Which items are FAKE, bool (N,).
        scores: P(FAKE), 0..1, float64 (N,).
        weights: One weighting per row, float64 (B, N), at least 0.

    Returns:
        ``auc``, ``ap``, ``eer`` and ``tpr_at_fpr_1``, ``_5`` and ``_10``, each float64 (B,); NaN
        where one class has no weight.

    Example:
        >>> import numpy as np
        >>> from dfd.scoring.metrics import ranking
        >>> fake, scores = np.array([False, True, True]), np.array([0.5, 0.4, 0.9])
        >>> ranking(fake, scores, np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 2.0]]))["auc"].tolist()
        [0.5, 1.0]
    """
    order = np.argsort(-scores, kind="stable")
    # Items of equal score pass the threshold together: one point of the curve for all of them.
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    ordered = weights[:, order]
    start = np.zeros((len(weights), 1))
    tp = np.hstack([start, np.cumsum(ordered * fake[order], axis=1)[:, last]])
    fp = np.hstack([start, np.cumsum(ordered * ~fake[order], axis=1)[:, last]])
    with np.errstate(invalid="ignore", divide="ignore"):
        tpr, fpr = tp / tp[:, -1:], fp / fp[:, -1:]
        precision = np.nan_to_num(tp / (tp + fp))[:, 1:]
    metrics = {
        "auc": np.trapezoid(tpr, fpr, axis=1),
        "ap": (np.diff(tpr, axis=1) * precision).sum(axis=1),
        "eer": _equal_error_rate(tpr, fpr),
        **{
            f"tpr_at_fpr_{percent}": np.where(fpr <= percent / 100 + 1e-12, tpr, 0).max(axis=1)
            for percent in (1, 5, 10)
        },
    }
    one_class = (tp[:, -1] == 0) | (fp[:, -1] == 0)
    return {name: np.where(one_class, np.nan, value) for name, value in metrics.items()}


def _equal_error_rate(tpr: Values, fpr: Values) -> Values:
    """Return the FPR at which the ROC curve, interpolated linearly, meets fpr = 1 - tpr."""
    excess = fpr + tpr - 1  # rises from -1 to 1 along the curve
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
