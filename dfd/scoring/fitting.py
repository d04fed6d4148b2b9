"""Fitting a detector's decision to validation videos: the error that it can promise.

The inconclusive band is chosen so that the share of wrong verdicts, if one video in two is fake, is
at most ``target_error`` with a confidence of 90 %: selective classification with a guarantee
(Geifman and El-Yaniv, *Selective classification for deep neural networks*, NeurIPS 2017).

- What is counted are groups, because the videos of a group are not independent. A group counts by
  the share of its verdicts that are wrong, and weighs as much as its videos do where both classes
  weigh the same; unequal weights make the groups count for fewer (Kish, *Survey sampling*, 1965).
- The upper end of the share is that of Clopper and Pearson (*Biometrika*, 1934), for counts that
  need not be whole (Korn and Graubard, *Survey Methodology*, 1998).
- A video whose face has fewer crops than a verdict needs gets none in any band: it is neither an
  error nor a verdict that was right.
- Bands are tried from the widest one that leaves enough groups to narrower ones, and the first that
  breaks the promise ends the search: a fixed sequence, in which trying several bands costs no
  confidence (Angelopoulos et al., *Learn then test*, 2021).
- The errors that choose the band are counted at thresholds fitted without the video's own group, so
  that a threshold is not praised for suiting the videos that it was fitted to.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import beta

from dfd.scoring.aggregate import FEWEST_CROPS, log_odds
from dfd.scoring.calibration import fit_calibration, fit_platt
from dfd.scoring.decision import Decision, Promise
from dfd.scoring.metrics import Flags, Values, is_fake

CONFIDENCE = 0.9  # with which a promise is kept
_FOLDS = 5


@dataclass(frozen=True)
class Bands:
    """The inconclusive bands that make a difference, from the widest to the narrowest.

    Attributes:
        widths: Half the width of each band in log-odds, falling, float64 (B,).
        groups: How many groups with a verdict each band leaves, as equally weighted ones, (B,).
        wrong: How many of these groups are wrong, (B,); a group counts by its share.
        counted: How many groups with a verdict each band leaves, (B,).
        bounds: ``upper_bound`` of the share of wrong groups, (B,).
        least: What ``bounds`` would be without an error, (B,).
    """

    widths: Values
    groups: Values
    wrong: Values
    counted: Values
    bounds: Values
    least: Values


def fit_decision(
    labels: "Sequence[str] | pd.Series",
    scores: npt.ArrayLike,
    groups: "Sequence[str] | Sequence[int] | pd.Series",
    target_error: float,
    crops: npt.ArrayLike = FEWEST_CROPS,
) -> Decision:
    """Return the calibration and the inconclusive band fitted on validation videos.

    Args:
        labels: Labels of the videos, ``REAL`` or ``FAKE``; both must be present.
        scores: Uncalibrated P(FAKE) of the videos, 0..1, in the same order.
        groups: The group of each video, in the same order.
        target_error: The share of the verdicts that may be wrong, between 0 and 0.5.
        crops: Number of crops of the track that decides, of each video or of all.

    Example:
        Twelve groups without an error promise at most 20 % wrong verdicts, but not 5 %:

        >>> from dfd.scoring.fitting import fit_decision
        >>> videos = ["REAL", "FAKE"] * 12, [0.1, 0.9] * 12, [f"g{n // 2}" for n in range(24)]
        >>> decision = fit_decision(*videos, target_error=0.2)
        >>> decision.width, round(decision.promise.bound, 2)
        (0.0, 0.17)
        >>> decision = fit_decision(*videos, target_error=0.05)
        >>> decision.width, decision.promise.missing, decision.promise.carried
        (None, 33, 0.18)
    """
    bands = bands_of(labels, scores, groups, crops)
    width, promise = promise_of(bands, target_error)
    fake_share = float(is_fake(labels).mean())
    calibration = fit_calibration(labels, scores)
    return Decision(calibration, width, fake_share, fewest_crops(crops), promise)


def fewest_crops(crops: npt.ArrayLike) -> int:
    """Return how many crops of the deciding track a verdict needs.

    It is ``FEWEST_CROPS``, since a face that is seen once in a video is often none or a stranger's.
    Where no validation video has as many, as with stills, it is what they have at most.

    Args:
        crops: Number of crops of the track that decides, of each validation video or of all.

    Example:
        >>> from dfd.scoring.fitting import fewest_crops
        >>> fewest_crops([16, 2, 16]), fewest_crops([1, 1, 1])
        (4, 1)
    """
    return min(FEWEST_CROPS, int(np.max(crops)))


def bands_of(
    labels: "Sequence[str] | pd.Series",
    scores: npt.ArrayLike,
    groups: "Sequence[str] | Sequence[int] | pd.Series",
    crops: npt.ArrayLike = FEWEST_CROPS,
) -> Bands:
    """Return the inconclusive bands, with the groups and errors that each leaves outside.

    Args:
        labels: Labels of the videos, ``REAL`` or ``FAKE``.
        scores: Uncalibrated P(FAKE) of the videos, 0..1, in the same order.
        groups: The group of each video, in the same order.
        crops: Number of crops of the track that decides, of each video or of all.

    Example:
        The least certain of 24 predictions is wrong:

        >>> from dfd.scoring.fitting import bands_of
        >>> scores = [0.1, 0.9] * 11 + [0.2, 0.4]
        >>> bands = bands_of(["REAL", "FAKE"] * 12, scores, list(range(24)))
        >>> bands.groups[-3:].round(6).tolist(), bands.wrong[-3:].round(6).tolist()
        ([22.0, 23.0, 24.0], [0.0, 0.0, 1.0])
    """
    fake, members = is_fake(labels), pd.factorize(pd.Series(groups), sort=True)[0]
    odds = _cross_fitted(fake, log_odds(scores), members)
    distance = np.abs(odds).round(9)
    seldom = np.broadcast_to(np.asarray(crops) < fewest_crops(crops), odds.shape)  # no verdict ever
    order = np.argsort(-distance, kind="stable")
    order = order[~seldom[order]]
    weight = np.where(fake, 1 / max(fake.sum(), 1), 1 / max((~fake).sum(), 1)) * ~seldom
    wrong = weight * ((odds >= 0) != fake)
    videos = pd.DataFrame({"group": members, "weight": weight, "wrong": wrong})
    videos = videos.iloc[order].reset_index(drop=True)

    judged = videos.groupby("group")[["weight", "wrong"]].cumsum()
    share = judged["wrong"] / judged["weight"]
    before = share.groupby(videos["group"]).shift(fill_value=0.0)
    of_group = np.bincount(members, weight)[videos["group"]]
    first = (~videos["group"].duplicated()).to_numpy()
    joins = pd.Series(of_group * first)
    total = joins.cumsum()
    groups = total**2 / (joins**2).cumsum()
    wrong_groups = groups * (of_group * (share - before)).cumsum() / total

    ordered = distance[order]
    narrower = np.append(ordered[1:], -1.0)
    last = ordered > narrower  # videos of equal distance get their verdicts together
    widths = np.where(narrower < 0, 0.0, (ordered + narrower) / 2)
    n, k = groups.to_numpy()[last], np.maximum(wrong_groups.to_numpy()[last], 0.0)
    return Bands(
        widths=widths[last],
        groups=n,
        wrong=k,
        counted=np.cumsum(first).astype(np.float64)[last],
        bounds=upper_bound(k, n),
        least=upper_bound(0.0, n),
    )


def promise_of(bands: Bands, target_error: float) -> tuple[float | None, Promise]:
    """Return the narrowest band that keeps a promise, and the promise.

    Args:
        bands: The bands of the validation videos.
        target_error: The share of the verdicts that may be wrong, between 0 and 0.5.

    Returns:
        Half the width of the band in log-odds, None where no band keeps it; and the promise.

    Example:
        >>> from dfd.scoring.fitting import bands_of, promise_of
        >>> bands = bands_of(["REAL", "FAKE"] * 12, [0.1, 0.9] * 12, list(range(24)))
        >>> width, promise = promise_of(bands, target_error=0.1)
        >>> width, round(promise.bound, 3)
        (0.0, 0.091)
    """
    last = _last_kept(bands, target_error)
    return None if last is None else float(bands.widths[last]), Promise(
        target_error=target_error,
        bound=None if last is None else float(bands.bounds[last]),
        groups=int(bands.counted[-1]),
        missing=_missing(bands, target_error) if last is None else 0,
        carried=_carried(bands),
    )


def upper_bound(wrong: npt.ArrayLike, groups: npt.ArrayLike) -> Values:
    """Return the upper end of the one-sided 90 % interval of a share, after Clopper and Pearson.

    Args:
        wrong: Number of wrong groups, at least 0; it need not be whole.
        groups: Number of groups, at least ``wrong``.

    Example:
        >>> from dfd.scoring.fitting import upper_bound
        >>> upper_bound([0, 1, 2], [45, 45, 2]).round(3).tolist()
        [0.05, 0.084, 1.0]
    """
    k, n = np.asarray(wrong, np.float64), np.asarray(groups, np.float64)
    return np.where(k >= n - 1e-9, 1.0, beta.ppf(CONFIDENCE, k + 1, np.maximum(n - k, 1e-9)))


def _cross_fitted(fake: Flags, odds: Values, members: npt.NDArray[np.intp]) -> Values:
    """Return calibrated log-odds (N,) whose threshold was fitted to other groups.

    The scale is that of all videos, since it changes no order, while scales of their own would.
    """
    fold = members % min(_FOLDS, int(members.max()) + 1)
    threshold = np.empty_like(odds)
    for number in np.unique(fold):
        others = fold != number
        calibration = fit_platt(fake[others], odds[others])
        threshold[~others] = -calibration.bias * calibration.temperature
    return (odds - threshold) / fit_platt(fake, odds).temperature


def _start(bands: Bands, target_error: float) -> int | None:
    """Return the widest band with enough groups to keep a promise without an error."""
    enough = np.flatnonzero(bands.least <= target_error)
    return int(enough[0]) if len(enough) else None


def _last_kept(bands: Bands, target_error: float) -> int | None:
    """Return the last band, from the start on, before the first that breaks the promise."""
    start = _start(bands, target_error)
    if start is None:
        return None
    broken = np.flatnonzero(bands.bounds[start:] > target_error)
    kept = int(broken[0]) if len(broken) else len(bands.bounds) - start
    return start + kept - 1 if kept else None


def _missing(bands: Bands, target_error: float) -> int:
    """Return how many more groups, all of them right, would keep the promise where it starts."""
    start = _start(bands, target_error)
    at = len(bands.groups) - 1 if start is None else start
    wrong, groups = bands.wrong[at], bands.groups[at]
    needed = brentq(
        lambda n: float(upper_bound(wrong, n)) - target_error,
        wrong,
        (2 * wrong + 10) / target_error,
    )
    uneven = bands.counted[at] / groups if groups else 1.0
    return max(1, int(np.ceil((needed - groups) * uneven - 1e-6)))


def _carried(bands: Bands) -> float | None:
    """Return the smallest target error, in whole percent, for which a promise can be kept."""
    kept = (
        percent / 100 for percent in range(1, 50) if _last_kept(bands, percent / 100) is not None
    )
    return next(kept, None)
