"""From a detector's scores to probabilities and verdicts, fitted on the validation part.

Calibration is Platt scaling: linear in log-odds (Platt, *Probabilistic outputs for support vector
machines*, 1999; Guo et al., *On calibration of modern neural networks*, ICML 2017, call the slope
1/temperature). It has two parameters, which a few dozen validation videos are enough to fit, and it
does not change the order of scores. The probabilities are right for videos with the same share of
FAKE as the validation part.
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

_MIN_SLOPE = 0.01  # a detector that ranks the validation videos wrongly is never inverted


class Calibration(BaseModel):
    """Platt scaling: log-odds divided by ``temperature``, plus ``bias``.

    Attributes:
        temperature: Above 0; above 1 makes the probabilities less extreme.
        bias: Added to the log-odds; above 0 makes FAKE more probable.

    Example:
        >>> from dfd.scoring.decision import Calibration
        >>> Calibration(temperature=2.0).apply([0.1, 0.5, 0.9]).round(2).tolist()
        [0.25, 0.5, 0.75]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = 1.0
    bias: float = 0.0

    def apply(self, scores: npt.ArrayLike) -> Values:
        """Return calibrated probabilities, P(FAKE) 0..1, float64 of the shape of ``scores``.

        Args:
            scores: P(FAKE) as the network or ``video_scores`` gives it, 0..1.

        Example:
            >>> from dfd.scoring.decision import Calibration
            >>> Calibration(bias=-1.0).apply([0.5]).round(2).tolist()
            [0.27]
        """
        return probability(log_odds(scores) / self.temperature + self.bias)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Decision:
    """How a detector's scores become predictions and verdicts.

    Attributes:
        calibration: From scores to probabilities.
        threshold: Probabilities of at least this are predicted FAKE, 0..1.
        inconclusive: The inconclusive band. Probabilities strictly between these two ends get the
            verdict INCONCLUSIVE; where both ends equal the threshold, none does.
    """

    calibration: Calibration
    threshold: float
    inconclusive: tuple[float, float]

    def verdict(self, probability: float) -> str:
        """Return the verdict ``REAL``, ``FAKE`` or ``INCONCLUSIVE``.

        Args:
            probability: Calibrated P(FAKE), 0..1.

        Example:
            >>> from dfd.scoring.decision import Calibration, Decision
            >>> decision = Decision(Calibration(), threshold=0.5, inconclusive=(0.3, 0.7))
            >>> [decision.verdict(probability) for probability in (0.1, 0.6, 0.9)]
            ['REAL', 'INCONCLUSIVE', 'FAKE']
        """
        low, high = self.inconclusive
        if low < probability < high:
            return "INCONCLUSIVE"
        return "FAKE" if probability >= self.threshold else "REAL"


def fit_decision(
    labels: "Sequence[str] | pd.Series", scores: npt.ArrayLike, target_error: float
) -> Decision:
    """Return the calibration, threshold and inconclusive band fitted on validation videos.

    Args:
        labels: Labels of the videos, ``REAL`` or ``FAKE``; both must be present.
        scores: Uncalibrated P(FAKE) of the videos, 0..1, in the same order.
        target_error: The share of the verdicts that may be wrong, 0..1.

    Example:
        The detector is wrong only about the two videos near 0.5, and gives them no verdict:

        >>> from dfd.scoring.decision import fit_decision
        >>> labels = ["REAL"] * 6 + ["FAKE"] * 6
        >>> scores = [0.05, 0.1, 0.1, 0.2, 0.2, 0.55, 0.45, 0.8, 0.8, 0.9, 0.9, 0.95]
        >>> decision = fit_decision(labels, scores, target_error=0.05)
        >>> [decision.verdict(p) for p in decision.calibration.apply([0.1, 0.55, 0.9])]
        ['REAL', 'INCONCLUSIVE', 'FAKE']
    """
    calibration = fit_calibration(labels, scores)
    probabilities = calibration.apply(scores)
    threshold = best_threshold(labels, probabilities)
    band = inconclusive_band(labels, probabilities, threshold, target_error)
    return Decision(calibration, threshold, band)


def fit_calibration(labels: "Sequence[str] | pd.Series", scores: npt.ArrayLike) -> Calibration:
    """Return the calibration with the lowest log loss on validation videos.

    The targets are not 0 and 1, but Platt's 1 / (n + 2) and (n + 1) / (n + 2), where n is the
    number of videos of the class. Validation videos without a single error therefore do not make
    every probability 0 or 1.

    Args:
        labels: Labels of the videos, ``REAL`` or ``FAKE``; both must be present.
        scores: Uncalibrated P(FAKE) of the videos, 0..1, in the same order.

    Example:
        A network that is certain of everything, right or wrong:

        >>> from dfd.scoring.decision import fit_calibration
        >>> labels = ["REAL"] * 5 + ["FAKE"] * 5
        >>> calibration = fit_calibration(labels, [0.01] * 4 + [0.99] * 5 + [0.01])
        >>> calibration.apply([0.01, 0.99]).round(2).tolist()
        [0.29, 0.71]
    """
    # Scanning a video imports this module but fits nothing, and scikit-learn is slow to import.
    from sklearn.linear_model import LogisticRegression

    fake, odds = is_fake(labels), log_odds(scores)[:, None]
    target = np.where(fake, (fake.sum() + 1) / (fake.sum() + 2), 1 / ((~fake).sum() + 2))
    model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)
    model.fit(
        np.concatenate([odds, odds]),
        np.repeat([True, False], len(odds)),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    slope, bias = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope < _MIN_SLOPE:
        base_rate = float(log_odds(target.mean()))
        return Calibration(temperature=1 / _MIN_SLOPE, bias=base_rate)
    return Calibration(temperature=1 / slope, bias=bias)


def best_threshold(labels: "Sequence[str] | pd.Series", scores: npt.ArrayLike) -> float:
    """Return the threshold with the highest balanced accuracy.

    The thresholds tried are 0.5 and the midpoints between neighbouring scores. Among equally good
    ones the nearest to 0.5 is returned.

    Args:
        labels: Labels of the videos, ``REAL`` or ``FAKE``.
        scores: P(FAKE) of the videos, 0..1, in the same order.

    Example:
        >>> from dfd.scoring.decision import best_threshold
        >>> round(best_threshold(["REAL", "REAL", "FAKE", "FAKE"], [0.1, 0.2, 0.4, 0.9]), 2)
        0.3
    """
    fake, values = is_fake(labels), np.asarray(scores, dtype=np.float64)
    distinct = np.unique(values)
    equal_weights = np.ones((1, len(values)))

    def merit(threshold: float) -> tuple[float, float]:
        accuracy = weighted(fake, values, threshold, equal_weights)["balanced_accuracy"][0]
        return float(accuracy), -abs(threshold - 0.5)

    return float(max([*((distinct[1:] + distinct[:-1]) / 2), 0.5], key=merit))


def inconclusive_band(
    labels: "Sequence[str] | pd.Series",
    scores: npt.ArrayLike,
    threshold: float,
    target_error: float,
) -> tuple[float, float]:
    """Return the ends of the inconclusive band: selective classification.

    A video inside the band gets no verdict. The band is the narrowest one around the threshold for
    which at most ``target_error`` of the validation videos outside it are predicted wrongly
    (Geifman and El-Yaniv, *Selective classification for deep neural networks*, NeurIPS 2017). In
    log-odds, both ends are equally far from the threshold. Where no band reaches the target, the
    result is (0, 1): no video gets a verdict. Where no band is needed, both ends are the threshold.

    Args:
        labels: Labels of the videos, ``REAL`` or ``FAKE``.
        scores: P(FAKE) of the videos, 0..1, in the same order.
        threshold: Scores of at least this are predicted FAKE, 0..1.
        target_error: Highest share of wrong predictions outside the band, 0..1.

    Example:
        The prediction for 0.6 is wrong, so the band reaches beyond 0.6:

        >>> from dfd.scoring.decision import inconclusive_band
        >>> band = inconclusive_band(["REAL", "REAL", "FAKE"], [0.1, 0.6, 0.9], 0.5, 0.05)
        >>> [round(end, 2) for end in band]
        [0.21, 0.79]
    """
    fake, odds = is_fake(labels), log_odds(scores)
    centre = float(log_odds(threshold))
    distance = np.abs(odds - centre).round(9)
    order = np.argsort(-distance, kind="stable")
    wrong = np.cumsum(((odds >= centre) != fake)[order])
    # Equally distant videos are all inside or all outside: the band may only end after the last.
    last = np.diff(distance[order], append=-1.0) < 0
    allowed = np.flatnonzero(last & (wrong <= target_error * np.arange(1, len(order) + 1)))
    if not len(allowed):
        return 0.0, 1.0
    if allowed[-1] == len(order) - 1:
        return threshold, threshold
    width = float(distance[order][allowed[-1] : allowed[-1] + 2].mean())
    low, high = probability([centre - width, centre + width])
    return float(low), float(high)
