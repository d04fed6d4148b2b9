import numpy as np
import numpy.typing as npt
import pytest

from dfd.scoring.aggregate import log_odds, probability
from dfd.scoring.decision import (
    Calibration,
    Decision,
    best_threshold,
    fit_calibration,
    fit_decision,
    inconclusive_band,
)
from dfd.scoring.metrics import measure

LABELS = ["REAL", "REAL", "FAKE", "FAKE"]


def overconfident(count: int, seed: int) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Scores whose log-odds are three times too large and shifted."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(scale=1.5, size=count)
    labels = np.where(rng.random(count) < probability(odds), "FAKE", "REAL").tolist()
    return labels, probability(3 * odds + 1)


def test_calibration_on_validation_lowers_log_loss_and_calibration_error_on_test() -> None:
    calibration = fit_calibration(*overconfident(300, seed=1))
    assert calibration.temperature == pytest.approx(3, rel=0.25)
    labels, scores = overconfident(3000, seed=2)
    before, after = (measure(labels, s, 0.5) for s in (scores, calibration.apply(scores)))
    assert after.log_loss < 0.8 * before.log_loss
    assert after.ece < 0.5 * before.ece
    assert after.auc == pytest.approx(before.auc, abs=0.001)


def test_a_part_without_an_error_does_not_make_the_detector_sure_of_everything() -> None:
    calibration = fit_calibration(["REAL"] * 6 + ["FAKE"] * 6, [0.01] * 6 + [0.99] * 6)
    low, high = calibration.apply([0.01, 0.99])
    assert low == pytest.approx(1 / 8, abs=0.01)
    assert high == pytest.approx(7 / 8, abs=0.01)


def test_a_detector_that_ranks_wrongly_is_not_turned_round() -> None:
    calibration = fit_calibration(LABELS * 5, [0.9, 0.8, 0.2, 0.1] * 5)
    low, high = calibration.apply([0.1, 0.9])
    assert 0.45 < low < high < 0.55


def test_the_threshold_separates_what_can_be_separated() -> None:
    assert 0.1 < best_threshold(LABELS, [0.05, 0.1, 0.2, 0.3]) < 0.2
    assert best_threshold(LABELS, [0.1, 0.2, 0.8, 0.9]) == 0.5


def test_the_band_is_the_narrowest_that_keeps_the_error() -> None:
    labels = ["REAL"] * 4 + ["FAKE"] * 4
    scores = [0.02, 0.05, 0.1, 0.6, 0.4, 0.9, 0.95, 0.98]
    low, high = inconclusive_band(labels, scores, 0.5, 0.05)
    assert 0.1 < low < 0.4
    assert 0.6 < high < 0.9
    assert log_odds(low) == pytest.approx(-log_odds(high))
    assert inconclusive_band(labels, scores, 0.5, 0.3) == (0.5, 0.5), "2 of 8 wrong are allowed"


def test_nothing_is_conclusive_where_the_error_cannot_be_had() -> None:
    band = inconclusive_band(LABELS, [0.9, 0.8, 0.2, 0.1], 0.5, 0.05)
    decision = Decision(Calibration(), 0.5, band)
    assert {decision.verdict(score) for score in (0.001, 0.5, 0.999)} == {"INCONCLUSIVE"}


def test_verdicts_on_either_side_of_the_band() -> None:
    decision = Decision(Calibration(), 0.5, (0.3, 0.7))
    verdicts = [decision.verdict(score) for score in (0.3, 0.4, 0.6, 0.7)]
    assert verdicts == ["REAL", "INCONCLUSIVE", "INCONCLUSIVE", "FAKE"]
    assert Decision(Calibration(), 0.5, (0.5, 0.5)).verdict(0.5) == "FAKE"


def test_a_decision_fits_all_three() -> None:
    labels, scores = overconfident(400, seed=3)
    decision = fit_decision(labels, scores, target_error=0.1)
    verdicts = [decision.verdict(p) for p in decision.calibration.apply(scores)]
    given = [(v, label) for v, label in zip(verdicts, labels, strict=True) if v != "INCONCLUSIVE"]
    assert 0.2 < len(given) / len(labels) < 0.9
    assert np.mean([v != label for v, label in given]) <= 0.1
