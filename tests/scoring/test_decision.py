import numpy as np
import pytest

from dfd.scoring.decision import Calibration, Decision, Promise, why_no_verdicts, with_prior

SURE = Decision(Calibration(), width=1.0)  # no verdict between 0.27 and 0.73


def test_verdicts_on_either_side_of_the_band() -> None:
    verdicts = [SURE.verdict(score) for score in (0.26, 0.28, 0.5, 0.72, 0.74)]
    assert verdicts == ["REAL", *["INCONCLUSIVE"] * 3, "FAKE"]
    at_end = SURE.band()
    assert [SURE.verdict(end) for end in at_end] == ["REAL", "FAKE"]
    everything = Decision(Calibration(), width=0.0)
    assert [everything.verdict(score) for score in (0.0, 0.499, 0.5, 1.0)] == [
        *("REAL", "REAL", "FAKE", "FAKE")
    ]


def test_without_a_promise_nothing_gets_a_verdict() -> None:
    nothing = Decision(Calibration(), width=None)
    assert {nothing.verdict(score) for score in (0.0, 0.5, 1.0)} == {"INCONCLUSIVE"}


def test_a_prior_shifts_the_odds_by_its_own() -> None:
    calibration = Calibration(temperature=2.0, bias=0.3)
    scores = np.array([0.1, 0.5, 0.9])
    even, rare = calibration.apply(scores), calibration.apply(scores, prior=0.05)
    np.testing.assert_allclose(rare / (1 - rare), even / (1 - even) * 0.05 / 0.95)
    np.testing.assert_allclose(with_prior(even, 0.05), rare)
    np.testing.assert_allclose(with_prior(rare, 0.95), even)


@pytest.mark.parametrize("prior", [1e-6, 0.05, 0.3, 0.5, 0.8, 0.999])
def test_a_verdict_needs_what_the_video_shows_and_still_holds_with_the_prior(prior: float) -> None:
    shown = np.linspace(0.001, 0.999, 999)
    for at_half, at_prior in zip(shown, with_prior(shown, prior), strict=True):
        verdict = SURE.verdict(at_prior, prior)
        wanted = {SURE.verdict(at_half), SURE.verdict(at_prior)}
        assert verdict == (wanted.pop() if len(wanted) == 1 else "INCONCLUSIVE"), (
            at_half,
            at_prior,
        )


def test_why_there_are_no_verdicts_says_what_is_missing_and_what_can_be_had() -> None:
    promise = Promise(target_error=0.05, bound=None, groups=1, missing=44, carried=None)
    assert why_no_verdicts(Decision(Calibration(), None, promise=promise)) == (
        "at most 5 % wrong verdicts cannot be promised: that takes at least 44 more groups of "
        "validation videos without an error; its 1 group can keep no target_error below 0.5"
    )
    assert "train it again" in (why_no_verdicts(Decision(Calibration(), None)) or "")
    assert why_no_verdicts(SURE) is None
