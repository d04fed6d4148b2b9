"""From a detector's scores to probabilities and verdicts, as its card states them.

A probability needs a *prior*, the share of FAKE among the videos that are judged, and nobody knows
that of a video from elsewhere. The calibration therefore leaves the validation part's share of FAKE
out: it answers as if one video in two were fake. Whoever knows the prior states it, which shifts
the log-odds of every video by those of the prior (Elkan, *The foundations of cost-sensitive
learning*, IJCAI 2001).

``dfd.scoring.fitting`` fits a decision to validation videos. Scanning needs this module alone.
"""

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from pydantic.dataclasses import dataclass

from dfd.labels import PRIOR
from dfd.scoring.aggregate import FEWEST_CROPS, log_odds, probability
from dfd.scoring.metrics import Values
from dfd.words import counted

THRESHOLD = 0.5  # from this probability on, at the prior PRIOR, a video is predicted FAKE


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

    def apply(self, scores: npt.ArrayLike, prior: float = PRIOR) -> Values:
        """Return calibrated probabilities, P(FAKE) 0..1, float64 of the shape of ``scores``.

        Args:
            scores: P(FAKE) as the network or ``video_scores`` gives it, 0..1.
            prior: Share of FAKE among the videos that are judged, between 0 and 1.

        Example:
            >>> from dfd.scoring.decision import Calibration
            >>> Calibration(bias=-1.0).apply([0.5]).round(2).tolist()
            [0.27]
            >>> Calibration().apply([0.5, 0.95], prior=0.05).round(2).tolist()
            [0.05, 0.5]
        """
        return probability(log_odds(scores) / self.temperature + self.bias + _shift(prior))


class Promise(BaseModel):
    """What the validation videos carry of the error that a detector should keep.

    Attributes:
        target_error: Share of the verdicts, 0..1, that may be wrong.
        bound: Upper end of the one-sided 90 % interval of that share, at most ``target_error``;
            None where no such promise can be made, so that there are no verdicts.
        groups: Number of groups of validation videos that may get a verdict.
        missing: How many more groups the promise needs at least, if every new verdict is right; 0
            where the promise is made.
        carried: The smallest ``target_error``, in whole percent, that these videos carry; None
            where they carry none below one half.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    target_error: float
    bound: float | None
    groups: int
    missing: int
    carried: float | None


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Decision:
    """How a detector's scores become predictions and verdicts.

    Attributes:
        calibration: From scores to probabilities at the prior ``PRIOR``.
        width: Half the width of the inconclusive band around ``THRESHOLD``, in log-odds; 0 where
            every video gets a verdict, None where none does.
        fake_share: Share of FAKE among the validation videos, which no probability contains.
        fewest_crops: Number of crops that the deciding track needs for a verdict: what is promised
            was counted on faces seen as often. It is 1 for a detector that was fitted on stills.
        promise: What is promised of the verdicts; None in the card of an older detector.
    """

    calibration: Calibration
    width: float | None
    fake_share: float = PRIOR
    fewest_crops: int = FEWEST_CROPS
    promise: Promise | None = None

    def band(self, prior: float = PRIOR) -> tuple[float, float]:
        """Return the ends of the inconclusive band, as probabilities at a prior.

        Errors were counted on what the videos show, without a prior. A verdict therefore needs a
        video that is far enough from the threshold by what it shows, and still is with the prior.

        Args:
            prior: Share of FAKE among the videos that are judged, between 0 and 1.

        Example:
            >>> from dfd.scoring.decision import Calibration, Decision
            >>> decision = Decision(Calibration(), width=1.0)
            >>> [round(end, 2) for end in decision.band()]
            [0.27, 0.73]
            >>> [round(end, 2) for end in decision.band(prior=0.05)]
            [0.02, 0.73]
        """
        if self.width is None:
            return 0.0, 1.0
        shift = _shift(prior)
        low, high = probability([min(shift, 0) - self.width, max(shift, 0) + self.width])
        return float(low), float(high)

    def verdict(self, probability: float, prior: float = PRIOR, crops: int | None = None) -> str:
        """Return the verdict ``REAL``, ``FAKE`` or ``INCONCLUSIVE``.

        Args:
            probability: Calibrated P(FAKE) at the prior, 0..1.
            prior: Share of FAKE among the videos that are judged, between 0 and 1.
            crops: Number of crops of the track that decides; fewer than ``fewest_crops`` give no
                verdict. None for as many as are needed.

        Example:
            >>> from dfd.scoring.decision import Calibration, Decision
            >>> decision = Decision(Calibration(), width=1.0)
            >>> [decision.verdict(probability) for probability in (0.1, 0.6, 0.9)]
            ['REAL', 'INCONCLUSIVE', 'FAKE']
        """
        low, high = self.band(prior)
        seldom = crops is not None and crops < self.fewest_crops
        if self.width is None or seldom or low < probability < high:
            return "INCONCLUSIVE"
        return "REAL" if probability < high else "FAKE"


def why_no_verdicts(decision: Decision) -> str | None:
    """Return why a detector gives no verdict on any video, or None where it gives verdicts.

    Args:
        decision: The decision of the detector.

    Example:
        >>> from dfd.scoring.decision import Calibration, Decision, Promise, why_no_verdicts
        >>> promise = Promise(target_error=0.05, bound=None, groups=14, missing=31, carried=0.16)
        >>> why_no_verdicts(Decision(Calibration(), width=None, promise=promise))
        'at most 5 % wrong verdicts cannot be promised: that takes at least 31 more groups of ...'
    """
    if decision.width is not None:
        return None
    promise = decision.promise
    if promise is None:
        return (
            "the detector's card is of an older version, without a promise of how often its "
            "verdicts are wrong; train it again"
        )
    carried = (
        f"can keep target_error: {promise.carried:g}"
        if promise.carried
        else "can keep no target_error below 0.5"
    )
    return (
        f"at most {100 * promise.target_error:g} % wrong verdicts cannot be promised: that takes "
        f"at least {counted(promise.missing, 'more group')} of validation videos without an error; "
        f"its {counted(promise.groups, 'group')} {carried}"
    )


def promised(decision: Decision) -> str:
    """Return in a sentence what a detector promises of its verdicts, or why it gives none.

    Args:
        decision: The decision of the detector.

    Example:
        >>> from dfd.scoring.decision import Calibration, Decision, Promise, promised
        >>> promise = Promise(target_error=0.1, bound=0.08, groups=40, missing=0, carried=0.07)
        >>> promised(Decision(Calibration(), width=1.0, promise=promise))
        'At most 10 % of its verdicts are wrong if one video in two is fake: with 90 % ...'
    """
    if why := why_no_verdicts(decision):
        return f"It gives no verdicts: {why}."
    promise = decision.promise
    if promise is None or promise.bound is None:
        return "It promises nothing of its verdicts."
    return (
        f"At most {100 * promise.target_error:g} % of its verdicts are wrong if one video in two "
        f"is fake: with 90 % confidence at most {100 * promise.bound:.1f} %, counted on "
        f"{counted(promise.groups, 'group')} of validation videos."
    )


def with_prior(probabilities: npt.ArrayLike, prior: float) -> Values:
    """Return probabilities at a prior from those at ``PRIOR``.

    Args:
        probabilities: Calibrated P(FAKE) at ``PRIOR``, 0..1.
        prior: Share of FAKE, 0..1.

    Example:
        >>> from dfd.scoring.decision import with_prior
        >>> with_prior([0.5, 0.95], prior=0.05).round(2).tolist()
        [0.05, 0.5]
    """
    p = np.asarray(probabilities, dtype=np.float64)
    return p * prior / (p * prior + (1 - p) * (1 - prior))


def _shift(prior: float) -> float:
    """Return by how much a prior shifts log-odds."""
    return float(np.log(prior / (1 - prior)))
