"""The gate: decides whether a challenger becomes the champion.

The limits come first: a detector outside a limit is rejected, whatever it is compared with. The
challenger is then promoted if its video AUC and its log loss on the same videos are both better
than the champion's, and if one of the two differences is above zero with 97 % confidence. The
confidence comes from a paired bootstrap that resamples whole groups. A challenger that is no better
than the champion passes this test on either metric in 3 % of all cases, and on at least one of them
in about 4 %, because the two metrics mostly agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import t

from dfd.scoring.bootstrap import Statistic, difference, why_no_interval
from dfd.scoring.metrics import is_fake, weighted

SURE = 0.97

Outcome = Literal["promote", "keep", "reject"]


@dataclass(frozen=True)
class Reason:
    """One condition of the gate, and whether the challenger meets it.

    Attributes:
        what: The metric or fact that the condition is about.
        found: Its value.
        wanted: The value that a promotion needs.
        holds: Whether the condition is met.
    """

    what: str
    found: str
    wanted: str
    holds: bool


@dataclass(frozen=True)
class Ruling:
    """The gate's decision about a challenger, with its reasons."""

    outcome: Outcome
    reasons: tuple[Reason, ...]

    @property
    def line(self) -> str:
        """The outcome and the reasons that decided it, in one line."""
        decisive = [r for r in self.reasons if r.holds == (self.outcome == "promote")]
        return f"{self.outcome}: " + "; ".join(
            f"{r.what} {r.found} (wanted {r.wanted})" for r in decisive or self.reasons
        )


def within_limits(figures: dict[str, tuple[float | None, float]]) -> tuple[Reason, ...]:
    """Compare figures of a detector with their limits.

    Args:
        figures: Value and limit by name; None where the value is not known. The limit is the
            smallest value allowed of ``coverage``, and the largest of any other figure.

    Returns:
        A reason for each figure.

    Examples:
        >>> [reason.holds for reason in within_limits({"coverage": (0.4, 0.5), "ece": (0.1, 0.2)})]
        [False, True]
    """
    return tuple(
        Reason(
            what,
            "not known" if value is None else f"{value:.3g}",
            f"{'at least' if what == 'coverage' else 'at most'} {limit:g}",
            value is not None and (value >= limit if what == "coverage" else value <= limit),
        )
        for what, (value, limit) in figures.items()
    )


def rule(
    limits: Sequence[Reason],
    videos: pd.DataFrame | None,
    resamples: int,
    seed: int,
) -> Ruling:
    """Decide whether a challenger is promoted.

    Args:
        limits: Reasons from ``within_limits``.
        videos: A row for each video that both detectors scored and neither was trained on, with
            the columns ``group``, ``label`` (``REAL`` or ``FAKE``), ``challenger`` and ``champion``
            (calibrated P(FAKE)). None where there is no champion.
        resamples: Number of bootstrap resamples of the groups.
        seed: Seed of the resamples.

    Returns:
        ``promote``: the challenger becomes the champion. ``keep``: the champion stays. ``reject``:
        the challenger is outside a limit.

    Examples:
        >>> rule(within_limits({"coverage": (0.4, 0.5)}), None, resamples=200, seed=1).line
        'reject: coverage 0.4 (wanted at least 0.5)'
        >>> rule(within_limits({"coverage": (0.8, 0.5)}), None, resamples=200, seed=1).outcome
        'promote'
    """
    if not all(reason.holds for reason in limits):
        return Ruling("reject", tuple(limits))
    if videos is None:
        first = Reason("champion", "none yet", "none, or one that is surely worse", True)
        return Ruling("promote", (*limits, first))
    if videos.empty or (why := why_no_interval(videos)):
        what = "no video both may be judged on" if videos.empty else why
        few = Reason("videos to compare on", str(what), "10 groups and both classes", False)
        return Ruling("keep", (*limits, few))
    compared = {
        "video AUC": _compared(videos, "auc", 1, resamples, seed),
        "log loss": _compared(videos, "log_loss", -1, resamples, seed),
    }
    surely = any(low > 0 for _, low in compared.values())
    reasons = tuple(
        Reason(
            f"gain in {name}",
            f"{gain:+.4f}, {'surely above 0' if low > 0 else f'or as little as {low:+.4f}'}",
            "above 0 in both, surely in one",
            gain > 0 and surely,
        )
        for name, (gain, low) in compared.items()
    )
    promoted = all(reason.holds for reason in reasons)
    return Ruling("promote" if promoted else "keep", (*limits, *reasons))


def _compared(
    videos: pd.DataFrame, metric: str, sign: int, resamples: int, seed: int
) -> tuple[float, float]:
    """Return the challenger's gain in a metric, and the lower bound of the gain."""
    fake = is_fake(videos["label"])

    def of(who: str) -> Statistic:
        scores = videos[who].to_numpy(np.float64)
        return lambda weights: sign * weighted(fake, scores, 0.5, weights)[metric]

    gain, values = difference(videos, of("challenger"), of("champion"), resamples, seed)
    groups = videos["group"].nunique()
    return gain, gain - float(t.ppf(SURE, groups - 1) * np.nanstd(values))
