import numpy as np
import numpy.typing as npt
import pytest

from dfd.scoring.aggregate import probability
from dfd.scoring.calibration import fit_calibration
from dfd.scoring.decision import with_prior
from dfd.scoring.metrics import measure

LABELS = ["REAL", "REAL", "FAKE", "FAKE"]


def overconfident(count: int, seed: int) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Scores whose log-odds are three times too large and shifted."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(scale=1.5, size=count)
    labels = np.where(rng.random(count) < probability(odds), "FAKE", "REAL").tolist()
    return labels, probability(3 * odds + 1)


def mixed(count: int, seed: int, fake_share: float) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Scores that are probabilities where one video in two is fake."""
    rng = np.random.default_rng(seed)
    fake = rng.random(count) < fake_share
    odds = rng.normal(2.0 * (fake - 0.5), np.sqrt(2))
    return np.where(fake, "FAKE", "REAL").tolist(), probability(odds)


def test_calibration_on_validation_lowers_log_loss_and_calibration_error_on_test() -> None:
    calibration = fit_calibration(*overconfident(300, seed=1))
    assert calibration.temperature == pytest.approx(3, rel=0.25)
    labels, scores = overconfident(3000, seed=2)
    before, after = (measure(labels, s, 0.5) for s in (scores, calibration.apply(scores)))
    assert after.log_loss < 0.8 * before.log_loss
    assert after.ece < 0.5 * before.ece
    assert after.auc == pytest.approx(before.auc, abs=0.001)


def test_the_share_of_fakes_on_validation_is_in_no_probability() -> None:
    """With DFDC's mix, a REAL video was said to be fake with 58 to 72 %."""
    calibration = fit_calibration(*mixed(4000, 1, fake_share=0.83))
    assert calibration.bias == pytest.approx(0, abs=0.15)
    assert calibration.temperature == pytest.approx(1, abs=0.15)
    labels, scores = mixed(3000, 2, fake_share=0.83)
    shown = calibration.apply(scores)
    real = np.array(labels) == "REAL"
    assert np.median(shown[real]) < 0.35
    own_mix = measure(labels, with_prior(shown, 0.83), 0.83)
    assert own_mix.ece < 0.03 < measure(labels, shown, 0.5).ece


def test_a_part_without_an_error_does_not_make_the_detector_sure_of_everything() -> None:
    calibration = fit_calibration(["REAL"] * 6 + ["FAKE"] * 6, [0.01] * 6 + [0.99] * 6)
    low, high = calibration.apply([0.01, 0.99])
    assert low == pytest.approx(1 / 8, abs=0.01)
    assert high == pytest.approx(7 / 8, abs=0.01)


@pytest.mark.parametrize("scores", [[0.9, 0.8, 0.2, 0.1], [0.7] * 4])
def test_a_detector_that_knows_nothing_is_neither_turned_round_nor_believed(scores) -> None:
    calibration = fit_calibration(LABELS * 5, scores * 5)
    low, high = calibration.apply([0.1, 0.9])
    assert 0.45 < low < high < 0.55
