"""From a detector's scores to probabilities and verdicts, all fitted on the validation part.

The map is Platt's, linear in log-odds (Platt, *Probabilistic outputs for support vector machines*,
1999; Guo et al., *On calibration of modern neural networks*, ICML 2017, call its slope
1/temperature). Two numbers, so that a few dozen validation videos can carry them, and no order of
scores changes. Probabilities hold for a mix of REAL and FAKE like that of the validation part.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from pydantic.dataclasses import dataclass

from dfd.scoring.aggregate import log_odds, probability
from dfd.scoring.metrics import Values, is_fake, weighted

if TYPE_CHECKING:
    import pandas as pd

_FLATTEST = 0.01  # a detector that ranks validation wrongly says nearly nothing, never the reverse


class Calibration(BaseModel):
    """Log-odds divided by ``temperature`` plus ``bias``; the default changes nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = 1.0
    bias: float = 0.0

    def apply(self, scores: npt.ArrayLike) -> Values:
        """Return calibrated P(FAKE), float64 of the shape of ``scores``."""
        return probability(log_odds(scores) / self.temperature + self.bias)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Decision:
    """How a detector's scores become verdicts.

    Attributes:
        calibration: From scores to probabilities.
        threshold: Probabilities from here on are called FAKE.
        inconclusive: Probabilities strictly between these two get no verdict.
    """

    calibration: Calibration
    threshold: float
    inconclusive: tuple[float, float]

    def verdict(self, probability: float) -> str:
        """Return ``REAL``, ``FAKE`` or ``INCONCLUSIVE`` for a calibrated probability."""
        low, high = self.inconclusive
        if low < probability < high:
            return "INCONCLUSIVE"
        return "FAKE" if probability >= self.threshold else "REAL"


def fit_decision(
    labels: "Sequence[str] | pd.Series", scores: npt.ArrayLike, target_error: float
) -> Decision:
    """Return the decision fitted on validation videos.

    Args:
        labels: Of the videos; both classes.
        scores: Their scores, uncalibrated.
        target_error: Share of wrong verdicts that the inconclusive band aims at, 0..1.
    """
    calibration = fit_calibration(labels, scores)
    probabilities = calibration.apply(scores)
    threshold = best_threshold(labels, probabilities)
    band = inconclusive_band(labels, probabilities, threshold, target_error)
    return Decision(calibration, threshold, band)


def fit_calibration(labels: "Sequence[str] | pd.Series", scores: npt.ArrayLike) -> Calibration:
    """Return the calibration of the least log loss on validation videos.

    Targets are Platt's (n + 1) / (n + 2), not 0 and 1, so that a part without an error does not
    make the detector sure of everything.

    Args:
        labels: Of validation videos; both classes.
        scores: Their scores, uncalibrated.
    """
    from sklearn.linear_model import LogisticRegression  # here: who decides fits nothing

    fake, odds = is_fake(labels), log_odds(scores)[:, None]
    sure = np.where(fake, (fake.sum() + 1) / (fake.sum() + 2), 1 / ((~fake).sum() + 2))
    model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)
    model.fit(
        np.concatenate([odds, odds]),
        np.repeat([True, False], len(odds)),
        sample_weight=np.concatenate([sure, 1 - sure]),
    )
    slope, bias = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope < _FLATTEST:
        base = float(log_odds(sure.mean()))
        return Calibration(temperature=1 / _FLATTEST, bias=base)
    return Calibration(temperature=1 / slope, bias=bias)


def best_threshold(labels: "Sequence[str] | pd.Series", scores: npt.ArrayLike) -> float:
    """Return the threshold of the highest balanced accuracy; of equals, the one nearest 0.5.

    Candidates are the midpoints between neighbouring scores, and 0.5.
    """
    fake, values = is_fake(labels), np.asarray(scores, dtype=np.float64)
    known = np.unique(values)
    one = np.ones((1, len(values)))

    def merit(threshold: float) -> tuple[float, float]:
        accuracy = weighted(fake, values, threshold, one)["balanced_accuracy"][0]
        return float(accuracy), -abs(threshold - 0.5)

    return float(max([*((known[1:] + known[:-1]) / 2), 0.5], key=merit))


def inconclusive_band(
    labels: "Sequence[str] | pd.Series",
    scores: npt.ArrayLike,
    threshold: float,
    target_error: float,
) -> tuple[float, float]:
    """Return the scores between which a video gets no verdict, around the threshold.

    The band is the narrowest outside which at most ``target_error`` of the validation videos are
    called wrongly (Geifman and El-Yaniv, *Selective classification for deep neural networks*,
    NeurIPS 2017); nothing is left outside where that cannot be had. Its ends are as far from the
    threshold, in log-odds, on either side.
    """
    fake, odds = is_fake(labels), log_odds(scores)
    centre = float(log_odds(threshold))
    far = np.abs(odds - centre).round(9)
    order = np.argsort(-far, kind="stable")
    wrong = np.cumsum(((odds >= centre) != fake)[order])
    last = np.diff(far[order], append=-1.0) < 0  # equally far ones are in or out together
    good = np.flatnonzero(last & (wrong <= target_error * np.arange(1, len(order) + 1)))
    if not len(good):
        return 0.0, 1.0
    if good[-1] == len(order) - 1:
        return threshold, threshold
    width = float(far[order][good[-1] : good[-1] + 2].mean())
    low, high = probability([centre - width, centre + width])
    return float(low), float(high)
