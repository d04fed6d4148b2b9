"""Calibration of a detector's scores on validation videos.

Calibration is Platt scaling: linear in log-odds (Platt, *Probabilistic outputs for support vector
machines*, 1999; Guo et al., *On calibration of modern neural networks*, ICML 2017, call the slope
1/temperature). It has two parameters, which a few dozen validation videos are enough to fit, and it
does not change the order of scores. Both classes have equal weight, so that the share of FAKE in
the validation part is in no probability.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression

from dfd.scoring.aggregate import log_odds
from dfd.scoring.decision import Calibration
from dfd.scoring.metrics import Flags, Values, is_fake

_MIN_SLOPE = 0.01  # a detector that ranks the validation videos wrongly is never inverted
_FLAT = Calibration(temperature=1 / _MIN_SLOPE)


def fit_calibration(labels: "Sequence[str] | pd.Series", scores: npt.ArrayLike) -> Calibration:
    """Return the calibration with the lowest log loss on validation videos of equal classes.

    The targets are not 0 and 1, but Platt's 1 / (n + 2) and (n + 1) / (n + 2), where n is the
    number of videos of the rarer class. Validation videos without a single error therefore do not
    make every probability 0 or 1.

    Args:
        labels: Labels of the videos, ``REAL`` or ``FAKE``.
        scores: Uncalibrated P(FAKE) of the videos, 0..1, in the same order.

    Example:
        A network that is certain of everything, right or wrong:

        >>> from dfd.scoring.calibration import fit_calibration
        >>> labels = ["REAL"] * 5 + ["FAKE"] * 5
        >>> calibration = fit_calibration(labels, [0.01] * 4 + [0.99] * 5 + [0.01])
        >>> calibration.apply([0.01, 0.99]).round(2).tolist()
        [0.29, 0.71]
    """
    return fit_platt(is_fake(labels), log_odds(scores))


def fit_platt(fake: Flags, odds: Values) -> Calibration:
    """Return the calibration of log-odds; a flat one where they tell nothing.

    Args:
        fake: Whether each video is FAKE, bool (N,).
        odds: Uncalibrated log-odds of the videos, float64 (N,).
    """
    fakes, reals = int(fake.sum()), int((~fake).sum())
    n = min(fakes, reals)
    if n == 0 or np.ptp(odds) == 0:
        return _FLAT
    target = np.where(fake, n + 1, 1) / (n + 2)
    weight = np.where(fake, n / fakes, n / reals)
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
    model.fit(
        np.concatenate([odds, odds])[:, None],
        np.repeat([True, False], len(odds)),
        sample_weight=np.concatenate([weight * target, weight * (1 - target)]),
    )
    slope, bias = float(model.coef_[0, 0]), float(model.intercept_[0])
    return Calibration(temperature=1 / slope, bias=bias) if slope >= _MIN_SLOPE else _FLAT
