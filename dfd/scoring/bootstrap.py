"""95 % intervals from resampling whole groups.

Videos of a group are not independent (a fake and its source, takes of one person), so the group is
what is drawn, with replacement (Field and Welsh, *Bootstrapping clustered data*, JRSS B, 2007). The
spread over the draws says how many independent items a rate is worth; its interval is the exact
binomial one for that many (Korn and Graubard, *Confidence intervals for proportions with small
expected number of positive counts*, Survey Methodology, 1998). Unlike the percentiles of the draws
it holds near 1, where no draw may show an error, and with few groups. Under ``MIN_GROUPS`` groups
none is given.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import beta, norm, t

from dfd.scoring.metrics import RATES, Values, is_fake, ranking, weighted

MIN_GROUPS = 10
_AT_ONCE = 4_000_000  # weights held at a time

Statistic = Callable[[Values], Values]


@dataclass(frozen=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


def why_no_interval(items: pd.DataFrame) -> str | None:
    """Return why some intervals cannot be given for these items, or None where all can.

    Args:
        items: Columns ``group`` and ``label``.
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
    """Return the interval of every figure of ``metrics.RATES`` that these items have.

    Args:
        items: Columns ``group``, ``label`` and ``score``, a row an item.
        threshold: Scores from here on are called FAKE.
        resamples: Number of draws of the groups.
        seed: Seed of the draws.
    """
    groups = items["group"].nunique()
    if groups < MIN_GROUPS:
        return {}
    fake, scores = is_fake(items["label"]), items["score"].to_numpy(np.float64)
    found = weighted(fake, scores, threshold, np.ones((1, len(items))))
    drawn = [weighted(fake, scores, threshold, w) for w in draws(items["group"], resamples, seed)]
    return {
        name: (interval_of_mean if name == "log_loss" else interval_of_rate)(
            float(found[name][0]), np.concatenate([values[name] for values in drawn]), groups
        )
        for name in RATES
        if not np.isnan(found[name][0])
    }


def auc_interval(items: pd.DataFrame, resamples: int, seed: int) -> Interval | None:
    """Return the interval of the AUC alone; None where it is why_no_interval.

    Args:
        items: As for ``intervals``.
        resamples: Number of draws of the groups.
        seed: Seed of the draws.
    """
    if why_no_interval(items):
        return None
    figure = auc_statistic(items, items["score"])
    drawn = [figure(weights) for weights in draws(items["group"], resamples, seed)]
    found = float(figure(np.ones((1, len(items))))[0])
    return interval_of_rate(found, np.concatenate(drawn), items["group"].nunique())


def auc_statistic(items: pd.DataFrame, scores: pd.Series) -> Statistic:
    """Return the AUC of scores of items, column ``label``, as a function of the items' weights."""
    fake, values = is_fake(items["label"]), scores.to_numpy(np.float64)
    return lambda weights: ranking(fake, values, weights)["auc"]


def interval_of_rate(rate: float, values: Values, groups: int) -> Interval:
    """Return the interval of a rate, 0..1.

    Args:
        rate: The rate found.
        values: What the draws gave, (B,); NaN where a draw had none.
        groups: Number of groups drawn from.
    """
    variance = float(np.nanvar(values))
    if 0 < rate < 1:
        if not variance:
            return Interval(rate, rate)
        items = rate * (1 - rate) / variance
    else:
        items = float(groups)
    items *= (norm.ppf(0.975) / t.ppf(0.975, groups - 1)) ** 2  # fewer groups, less known spread
    hits = rate * items
    low = beta.ppf(0.025, hits, items - hits + 1) if rate > 0 else 0.0
    high = beta.ppf(0.975, hits + 1, items - hits) if rate < 1 else 1.0
    return Interval(float(low), float(high))


def interval_of_mean(mean: float, values: Values, groups: int) -> Interval:
    """Return the interval of a figure without bounds, a difference say.

    Args:
        mean: The figure found.
        values: What the draws gave, (B,); NaN where a draw had none.
        groups: Number of groups drawn from.
    """
    reach = float(t.ppf(0.975, groups - 1) * np.nanstd(values))
    return Interval(mean - reach, mean + reach)


def difference(
    items: pd.DataFrame, ours: Statistic, theirs: Statistic, resamples: int, seed: int
) -> tuple[float, Values]:
    """Return how much ``ours`` is above ``theirs``, and that difference in every draw, (B,).

    Both are given the same weights, so that what the items share drops out.

    Args:
        items: Column ``group``, a row an item.
        ours: A figure, from weights of these items, float64 (B, N), to (B,).
        theirs: Another one.
        resamples: Number of draws of the groups.
        seed: Seed of the draws.
    """
    one = np.ones((1, len(items)))
    drawn = [ours(w) - theirs(w) for w in draws(items["group"], resamples, seed)]
    return float(ours(one)[0] - theirs(one)[0]), np.concatenate(drawn)


def draws(groups: pd.Series, resamples: int, seed: int) -> Iterator[Values]:
    """Yield weights of items, float64 (b, N), ``resamples`` rows in all.

    Groups are drawn with replacement, as many as there are.
    """
    names, member = np.unique(groups.to_numpy(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // max(len(member), 1))
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=rows)
        yield times.astype(np.float64)[:, member]
