"""95 % intervals from bootstrap resamples of whole groups.

The videos of a group are not independent (a fake and its source, several takes of one person), so
whole groups are resampled, with replacement (Field and Welsh, *Bootstrapping clustered data*, JRSS
B, 2007). The variance over the resamples tells how many independent items would make a rate equally
uncertain, and the interval is the exact binomial interval for that number of items (Korn and
Graubard, *Confidence intervals for proportions with small expected number of positive counts*,
Survey Methodology, 1998). Unlike percentiles of the resamples, this interval stays correct near a
rate of 1, where resamples may contain no error at all, and with few groups. An AUC above 0.95 has
the interval of its log-odds. With fewer than ``MIN_GROUPS`` groups no interval is given.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import beta, norm, t

from dfd.scoring.metrics import RATES, Values, is_fake, ranking, weighted

MIN_GROUPS = 10
_WEIGHTS_AT_ONCE = 4_000_000  # weights held in memory at a time

# A metric of fixed items as a function of their weights: float64 (B, N) to float64 (B,).
Statistic = Callable[[Values], Values]


@dataclass(frozen=True)
class Interval:
    """The ends of a 95 % interval."""

    low: float
    high: float


def why_no_interval(items: pd.DataFrame) -> str | None:
    """Return why some intervals of these items cannot be given, or None where all can be.

    Args:
        items: One row per item, with the columns ``group`` and ``label``.

    Example:
        >>> import pandas as pd
        >>> from dfd.scoring.bootstrap import why_no_interval
        >>> why_no_interval(pd.DataFrame({"group": ["a", "b"], "label": ["REAL", "FAKE"]}))
        '2 groups; an interval needs 10'
    """
    groups = items["group"].nunique()
    if groups < MIN_GROUPS:
        return f"{groups} groups; an interval needs {MIN_GROUPS}"
    if items["label"].nunique() < 2:
        return f"every item is {items['label'].iloc[0]}"
    return None


def intervals(
    items: pd.DataFrame, threshold: float, resamples: int, seed: int
) -> dict[str, Interval]:
    """Return the 95 % interval of every metric named in ``metrics.RATES``.

    Args:
        items: One row per item, with the columns ``group``, ``label`` and ``score`` (0..1).
        threshold: Scores of at least this are predicted FAKE, 0..1.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.

    Returns:
        The intervals by the name of the metric. A metric that these items do not have (AUC of one
        class) is left out; with fewer than ``MIN_GROUPS`` groups the mapping is empty.

    Example:
        Twelve groups, each a real video and its fake, of which two fakes are missed:

        >>> import pandas as pd
        >>> from dfd.scoring.bootstrap import intervals
        >>> groups = [f"group {number}" for number in range(12)]
        >>> real = pd.DataFrame({"group": groups, "label": "REAL", "score": 0.2})
        >>> fake = pd.DataFrame({"group": groups, "label": "FAKE", "score": [0.1] * 2 + [0.9] * 10})
        >>> accuracy = intervals(pd.concat([real, fake]), 0.5, resamples=200, seed=1)["accuracy"]
        >>> accuracy.low < 22 / 24 < accuracy.high
        True
    """
    groups = items["group"].nunique()
    if groups < MIN_GROUPS:
        return {}
    fake, scores = is_fake(items["label"]), items["score"].to_numpy(np.float64)
    measured = weighted(fake, scores, threshold, np.ones((1, len(items))))
    resampled = [
        weighted(fake, scores, threshold, weights)
        for weights in draws(items["group"], resamples, seed)
    ]
    kinds = {"log_loss": interval_of_mean, "auc": interval_of_auc}
    return {
        name: kinds.get(name, interval_of_rate)(
            float(measured[name][0]), np.concatenate([values[name] for values in resampled]), groups
        )
        for name in RATES
        if not np.isnan(measured[name][0])
    }


def auc_interval(items: pd.DataFrame, resamples: int, seed: int) -> Interval | None:
    """Return the 95 % interval of the AUC, or None where ``why_no_interval`` gives a reason.

    Args:
        items: One row per item, with the columns ``group``, ``label`` and ``score`` (0..1).
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.

    Example:
        Twelve groups in which every fake scores above every real video. The AUC is 1, and the
        interval says how far below 1 it may still be with so few groups:

        >>> import pandas as pd
        >>> from dfd.scoring.bootstrap import auc_interval
        >>> groups = [f"group {number}" for number in range(12)]
        >>> real = pd.DataFrame({"group": groups, "label": "REAL", "score": 0.2})
        >>> fake = pd.DataFrame({"group": groups, "label": "FAKE", "score": 0.9})
        >>> interval = auc_interval(pd.concat([real, fake]), resamples=200, seed=1)
        >>> round(interval.low, 2), interval.high
        (0.68, 1.0)
    """
    if why_no_interval(items):
        return None
    statistic = auc_statistic(items, items["score"])
    resampled = [statistic(weights) for weights in draws(items["group"], resamples, seed)]
    value = float(statistic(np.ones((1, len(items))))[0])
    return interval_of_auc(value, np.concatenate(resampled), items["group"].nunique())


def auc_statistic(items: pd.DataFrame, scores: pd.Series) -> Statistic:
    """Return a function from weights of the items to the AUC of the scores.

    Args:
        items: One row per item, with the column ``label``.
        scores: P(FAKE), 0..1, in the order of the items.

    Example:
        >>> import numpy as np
        >>> import pandas as pd
        >>> from dfd.scoring.bootstrap import auc_statistic
        >>> items = pd.DataFrame({"label": ["REAL", "FAKE"], "score": [0.2, 0.9]})
        >>> auc_statistic(items, items["score"])(np.ones((1, 2))).tolist()
        [1.0]
    """
    fake, values = is_fake(items["label"]), scores.to_numpy(np.float64)
    return lambda weights: ranking(fake, values, weights)["auc"]


def interval_of_rate(rate: float, values: Values, groups: int) -> Interval:
    """Return the 95 % interval of a rate, after Korn and Graubard.

    Args:
        rate: The rate of all items, 0..1.
        values: The rate in each resample, float64 (B,); NaN where a resample has none.
        groups: Number of groups that were resampled, at least 2.

    Example:
        >>> import numpy as np
        >>> from dfd.scoring.bootstrap import interval_of_rate
        >>> interval = interval_of_rate(0.8, np.array([0.7, 0.8, 0.9]), groups=20)
        >>> round(interval.low, 2), round(interval.high, 2)
        (0.57, 0.94)
    """
    variance = float(np.nanvar(values))
    if 0 < rate < 1:
        if not variance:
            return Interval(rate, rate)
        items = rate * (1 - rate) / variance
    else:
        items = float(groups)
    # With few groups the variance itself is uncertain: the t distribution accounts for that.
    items *= (norm.ppf(0.975) / t.ppf(0.975, groups - 1)) ** 2
    successes = rate * items
    low = beta.ppf(0.025, successes, items - successes + 1) if rate > 0 else 0.0
    high = beta.ppf(0.975, successes + 1, items - successes) if rate < 1 else 1.0
    return Interval(float(low), float(high))


def interval_of_auc(auc: float, values: Values, groups: int) -> Interval:
    """Return the 95 % interval of an AUC.

    Args:
        auc: The AUC of all items, 0..1.
        values: The AUC in each resample, float64 (B,); NaN where a resample has none.
        groups: Number of groups that were resampled, at least 2.

    Example:
        >>> interval = interval_of_auc(0.98, np.array([0.97, 0.98, 0.99]), groups=20)
        >>> round(interval.low, 3), round(interval.high, 3)
        (0.953, 0.992)
    """
    if not 0.95 < auc < 1:
        return interval_of_rate(auc, values, groups)
    half_width = t.ppf(0.975, groups - 1) * np.nanstd(values) / (auc * (1 - auc))
    return Interval(float(expit(logit(auc) - half_width)), float(expit(logit(auc) + half_width)))


def interval_of_mean(mean: float, values: Values, groups: int) -> Interval:
    """Return the 95 % interval of a metric without bounds, such as a difference or a log loss.

    Args:
        mean: The metric of all items.
        values: The metric in each resample, float64 (B,); NaN where a resample has none.
        groups: Number of groups that were resampled, at least 2.

    Example:
        >>> import numpy as np
        >>> from dfd.scoring.bootstrap import interval_of_mean
        >>> interval = interval_of_mean(0.1, np.array([0.0, 0.1, 0.2]), groups=20)
        >>> round(interval.low, 2), round(interval.high, 2)
        (-0.07, 0.27)
    """
    half_width = float(t.ppf(0.975, groups - 1) * np.nanstd(values))
    return Interval(mean - half_width, mean + half_width)


def difference(
    items: pd.DataFrame, ours: Statistic, theirs: Statistic, resamples: int, seed: int
) -> tuple[float, Values]:
    """Return the difference of two statistics of the same items, and its bootstrap resamples.

    Both statistics are computed on the same resamples. What makes a group easy or hard for both
    cancels out, and the difference is known better than either statistic.

    Args:
        items: One row per item, with the column ``group``.
        ours: A statistic of these items.
        theirs: The statistic that is subtracted.
        resamples: Number of bootstrap resamples, B.
        seed: Seed of the resamples.

    Returns:
        The difference for all items, and the difference in each resample, float64 (B,).

    Example:
        How much better one detector's AUC is than another's on the same twelve groups:

        >>> import pandas as pd
        >>> from dfd.scoring.bootstrap import auc_statistic, difference, interval_of_mean
        >>> videos = pd.DataFrame({"group": [f"group {n // 2}" for n in range(24)]})
        >>> videos["label"] = ["REAL", "FAKE"] * 12
        >>> good, bad = pd.Series([0.1, 0.9] * 12), pd.Series([0.5, 0.4, 0.5, 0.6] * 6)
        >>> statistics = auc_statistic(videos, good), auc_statistic(videos, bad)
        >>> gain, resampled = difference(videos, *statistics, resamples=200, seed=1)
        >>> gain
        0.5
        >>> interval_of_mean(gain, resampled, groups=12).low > 0
        True
    """
    all_items = np.ones((1, len(items)))
    resampled = [
        ours(weights) - theirs(weights) for weights in draws(items["group"], resamples, seed)
    ]
    return float(ours(all_items)[0] - theirs(all_items)[0]), np.concatenate(resampled)


def draws(groups: pd.Series, resamples: int, seed: int) -> Iterator[Values]:
    """Yield bootstrap resamples of whole groups, as weights of the items.

    A resample draws as many groups as there are, with replacement. The weight of an item is the
    number of times its group was drawn.

    Args:
        groups: The group of each item, (N,).
        resamples: Number of resamples.
        seed: Seed of the random numbers.

    Yields:
        Weights, float64 (b, N), one resample per row; ``resamples`` rows over all arrays.

    Example:
        Four items of two groups. The first resample drew each group once, the second drew the
        first group twice, the third drew the second group twice:

        >>> import pandas as pd
        >>> from dfd.scoring.bootstrap import draws
        >>> (weights,) = draws(pd.Series(["a", "a", "b", "b"]), resamples=3, seed=1)
        >>> weights.tolist()
        [[1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 0.0, 0.0], [0.0, 0.0, 2.0, 2.0]]
    """
    names, group_of_item = np.unique(groups.to_numpy(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    rows_at_once = max(1, _WEIGHTS_AT_ONCE // max(len(group_of_item), 1))
    for start in range(0, resamples, rows_at_once):
        rows = min(rows_at_once, resamples - start)
        times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=rows)
        yield times.astype(np.float64)[:, group_of_item]
