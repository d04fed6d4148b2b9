import numpy as np
import pytest
from sklearn import metrics as reference

from dfd.scoring.metrics import RATES, auc, measure, weighted

LABELS = ["REAL", "REAL", "FAKE", "FAKE"]


def test_figures_by_hand() -> None:
    metrics = measure(LABELS, [0.1, 0.6, 0.4, 0.9], threshold=0.5)
    assert (metrics.tp, metrics.tn, metrics.fp, metrics.fn) == (1, 1, 1, 1)
    assert metrics.auc == pytest.approx(0.75)
    assert metrics.accuracy == metrics.balanced_accuracy == 0.5
    assert metrics.eer == pytest.approx(0.5)
    assert metrics.tpr_at_fpr_10 == 0.5
    expected = -np.mean(np.log([0.9, 0.4, 0.4, 0.9]))
    assert metrics.log_loss == pytest.approx(expected)


def test_a_score_at_the_threshold_is_fake() -> None:
    assert measure(["REAL", "FAKE"], [0.4, 0.5], threshold=0.5).accuracy == 1


def test_always_fake_has_the_accuracy_of_the_majority_and_half_balanced() -> None:
    metrics = measure(["FAKE"] * 323 + ["REAL"] * 77, [0.8] * 400, threshold=0.5)
    assert metrics.accuracy == pytest.approx(0.8075)
    assert metrics.balanced_accuracy == metrics.auc == 0.5


def test_one_class_has_no_figure_that_needs_two() -> None:
    assert auc(["FAKE", "FAKE"], [0.1, 0.9]) is None
    metrics = measure(["FAKE", "FAKE"], [0.1, 0.9], 0.5)
    assert metrics.balanced_accuracy == 0.5
    assert {name for name in RATES if getattr(metrics, name) is None} == {
        *("auc", "ap", "eer"),
        *(f"tpr_at_fpr_{percent}" for percent in (1, 5, 10)),
    }


@pytest.mark.parametrize("decimals", [1, 9], ids=["many ties", "no ties"])
@pytest.mark.parametrize("seed", range(5))
def test_figures_agree_with_those_of_scikit_learn_under_any_weights(
    seed: int, decimals: int
) -> None:
    rng = np.random.default_rng(seed)
    fake = rng.random(300) < 0.8
    scores = np.clip(0.5 + 0.2 * fake + 0.3 * rng.normal(size=300), 0.001, 0.999).round(decimals)
    scores = np.clip(scores, 1e-7, 1 - 1e-7)
    weights = np.stack([np.ones(300), rng.integers(0, 4, 300).astype(float)])
    found = weighted(fake, scores, 0.5, weights)
    for row, weight in enumerate(weights):
        fpr, tpr, _ = reference.roc_curve(
            fake, scores, sample_weight=weight, drop_intermediate=False
        )
        expected = {
            "auc": reference.roc_auc_score(fake, scores, sample_weight=weight),
            "ap": reference.average_precision_score(fake, scores, sample_weight=weight),
            "accuracy": reference.accuracy_score(fake, scores >= 0.5, sample_weight=weight),
            "balanced_accuracy": reference.balanced_accuracy_score(
                fake, scores >= 0.5, sample_weight=weight
            ),
            "log_loss": reference.log_loss(fake, scores, sample_weight=weight),
            "brier": reference.brier_score_loss(fake, scores, sample_weight=weight),
            **{f"tpr_at_fpr_{p}": tpr[fpr <= p / 100].max() for p in (1, 5, 10)},
        }
        for name, value in expected.items():
            assert found[name][row] == pytest.approx(value, abs=1e-9), name
        eer = np.interp(0, fpr + tpr - 1, fpr)
        assert found["eer"][row] == pytest.approx(eer, abs=1e-9)


def test_the_calibration_error_of_a_constant_is_its_distance_from_the_share() -> None:
    labels = ["FAKE"] * 8000 + ["REAL"] * 2000
    assert measure(labels, [0.6] * 10_000, 0.5).ece == pytest.approx(0.2, abs=0.005)
    assert measure(labels, [0.8] * 10_000, 0.5).ece == 0


@pytest.mark.parametrize("videos", [12, 24, 200])
def test_perfectly_calibrated_videos_have_hardly_any_calibration_error(videos: int) -> None:
    rng = np.random.default_rng(1)
    found = []
    for _ in range(300):
        scores = 1 / (1 + np.exp(-rng.normal(scale=2.0, size=videos)))
        labels = np.where(rng.random(videos) < scores, "FAKE", "REAL")
        found.append(measure(labels, scores, 0.5).ece)
    assert np.mean(found) < 0.04
    always_sure = np.where(scores > 0.5, 0.999, 0.001)
    assert measure(labels, always_sure, 0.5).ece > 0.1, "what is off by more is still seen"
