"""Whether a challenger takes the champion's place: by evidence on the same videos.

A challenger is promoted when it is better than the champion in video AUC and in log loss, in one of
them surely: the paired difference, whole groups resampled, is above zero with 97 % confidence. Of
two equal detectors each figure says so in 3 % of all cases and one of them or both, as they mostly
agree, in about 4 %. Limits come first: a detector outside one is rejected whatever it is compared
with.
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
    """One row of a decision's table.

    Attributes:
        what: What was looked at.
        found: What it was.
        wanted: What speaks for the challenger.
        holds: Whether it does.
    """

    what: str
    found: str
    wanted: str
    holds: bool


@dataclass(frozen=True)
class Ruling:
    """What becomes of a challenger, and why."""

    outcome: Outcome
    reasons: tuple[Reason, ...]

    @property
    def line(self) -> str:
        """The outcome with what decided it, in one line."""
        decisive = [r for r in self.reasons if r.holds == (self.outcome == "promote")]
        return f"{self.outcome}: " + "; ".join(
            f"{r.what} {r.found} (wanted {r.wanted})" for r in decisive or self.reasons
        )


def within_limits(found: dict[str, tuple[float | None, float]]) -> tuple[Reason, ...]:
    """Return a reason per limit.

    Args:
        found: By figure, what it is and its limit: the least ``coverage``, the most of any other.
    """
    return tuple(
        Reason(
            what,
            "not known" if value is None else f"{value:.3g}",
            f"{'at least' if what == 'coverage' else 'at most'} {limit:g}",
            value is not None and (value >= limit if what == "coverage" else value <= limit),
        )
        for what, (value, limit) in found.items()
    )


def rule(
    limits: Sequence[Reason],
    videos: pd.DataFrame | None,
    resamples: int,
    seed: int,
) -> Ruling:
    """Decide about a challenger.

    Args:
        limits: As from ``within_limits``.
        videos: A row per video that both scored and neither was trained on: ``group``, ``label``,
            ``challenger`` and ``champion`` (calibrated P(FAKE)); None where there is no champion.
        resamples: Number of draws of the groups.
        seed: Seed of the draws.
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
    videos: pd.DataFrame, figure: str, sign: int, resamples: int, seed: int
) -> tuple[float, float]:
    """Return by how much the challenger is better, and the least that is to be believed."""
    fake = is_fake(videos["label"])

    def of(who: str) -> Statistic:
        scores = videos[who].to_numpy(np.float64)
        return lambda weights: sign * weighted(fake, scores, 0.5, weights)[figure]

    gain, values = difference(videos, of("challenger"), of("champion"), resamples, seed)
    groups = videos["group"].nunique()
    return gain, gain - float(t.ppf(SURE, groups - 1) * np.nanstd(values))
