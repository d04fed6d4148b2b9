"""The gate: decides whether a challenger becomes the champion.

The limits come first: a detector outside a limit is rejected, whatever it is compared with. The
challenger is then promoted if its video AUC on the same videos is surely above the champion's, by a
paired bootstrap that resamples whole groups, and its log loss is no worse. The AUC depends on the
order of the scores alone, so that it does not matter on which mix of REAL and FAKE either detector
was calibrated; the log loss, in which both classes weigh the same, can only prevent a promotion.
Where there is no champion, the challenger has to be surely above chance and above the strongest
baseline instead.

The same test part may rule on many challengers, and one of them will be lucky. The chance of that
is shared among all rulings on a test part: the n-th is allowed ``ERROR`` / (n (n + 1)), and however
many there are, the sum stays below ``ERROR`` (a spending function after Lan and DeMets,
*Discrete sequential boundaries for clinical trials*, Biometrika, 1983).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import t

from dfd.scoring.bootstrap import auc_statistic, difference, why_no_interval
from dfd.scoring.metrics import is_fake

ERROR = 0.06  # allowed to all rulings on a test part together
_MIN_PROBABILITY = 1e-7

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


def allowed_error(number: int) -> float:
    """Return the chance that a ruling promotes a detector that is no better, 0..1.

    Args:
        number: Number of the ruling among all on the same test part, from 1.

    Example:
        >>> [round(allowed_error(number), 4) for number in (1, 2, 3, 20)]
        [0.03, 0.01, 0.005, 0.0001]
    """
    return ERROR / (number * (number + 1))


def rule(videos: pd.DataFrame, number: int, resamples: int, seed: int) -> Ruling:
    """Decide whether a challenger that is within all limits is promoted.

    Args:
        videos: A row for each video to compare on, with the columns ``group``, ``label`` (``REAL``
            or ``FAKE``), ``challenger`` and ``champion`` (calibrated P(FAKE)); neither detector was
            trained on any of them. Where there is no champion, the column ``baseline`` in its place
            (P(FAKE) of the strongest baseline).
        number: Number of this ruling among all on the same test part, from 1.
        resamples: Number of bootstrap resamples of the groups.
        seed: Seed of the resamples.

    Returns:
        ``promote``: the challenger becomes the champion. ``keep``: who leads stays as it is.

    Example:
        Twenty groups, on which the challenger is always right and the champion in half of them:

        >>> groups = [f"group {number}" for number in range(20)]
        >>> real = pd.DataFrame({"group": groups, "label": "REAL", "challenger": 0.1})
        >>> fake = pd.DataFrame({"group": groups, "label": "FAKE", "challenger": 0.9})
        >>> videos = pd.concat([real.assign(champion=0.4), fake.assign(champion=[0.3, 0.6] * 10)])
        >>> rule(videos, number=1, resamples=200, seed=1).outcome
        'promote'
    """
    if videos.empty or (why := why_no_interval(videos)):
        what = "no video both may be judged on" if videos.empty else why
        few = Reason("videos to compare on", str(what), "10 groups and both classes", False)
        return Ruling("keep", (few,))
    if "champion" in videos:
        reasons = (
            _surely_above(videos, "champion", number, resamples, seed),
            _no_worse_log_loss(videos),
        )
    else:
        chance = videos.assign(chance=0.5)
        reasons = (
            _surely_above(chance, "chance", number, resamples, seed),
            _surely_above(videos, "baseline", number, resamples, seed),
        )
    promoted = all(reason.holds for reason in reasons)
    return Ruling("promote" if promoted else "keep", reasons)


def _surely_above(
    videos: pd.DataFrame, rival: str, number: int, resamples: int, seed: int
) -> Reason:
    """Compare the challenger's AUC with that of the scores in another column."""
    ours, theirs = auc_statistic(videos, videos["challenger"]), auc_statistic(videos, videos[rival])
    gain, values = difference(videos, ours, theirs, resamples, seed)
    error = allowed_error(number)
    low = gain - float(t.ppf(1 - error, videos["group"].nunique() - 1) * np.nanstd(values))
    return Reason(
        f"video AUC above {rival}",
        f"{gain:+.4f}, {'surely above 0' if low > 0 else f'or as little as {low:+.4f}'}",
        f"above 0 with {100 * (1 - error):.4g} % confidence",
        low > 0,
    )


def _no_worse_log_loss(videos: pd.DataFrame) -> Reason:
    ours, theirs = (_log_loss(videos["label"], videos[of]) for of in ("challenger", "champion"))
    return Reason("gain in log loss", f"{theirs - ours:+.4f}", "at least 0", theirs >= ours)


def _log_loss(labels: pd.Series, scores: pd.Series) -> float:
    """Return the mean over both classes of their log loss, in nats."""
    fake = is_fake(labels)
    p = np.clip(scores.to_numpy(np.float64), _MIN_PROBABILITY, 1 - _MIN_PROBABILITY)
    losses = -np.log(np.where(fake, p, 1 - p))
    return float((losses[fake].mean() + losses[~fake].mean()) / 2)
