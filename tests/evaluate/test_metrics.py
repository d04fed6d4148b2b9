import numpy as np
import pandas as pd
import pytest

from dfd.evaluate.metrics import (
    auc,
    best_threshold,
    group_bootstrap_auc,
    measure,
    video_scores,
)

LABELS = ["REAL", "REAL", "FAKE", "FAKE"]


def test_a_video_scores_as_its_most_suspicious_track() -> None:
    crops = pd.DataFrame(
        [("v", 0, 0.1), ("v", 0, 0.3), ("v", 1, 0.9), ("v", 1, 0.7), ("w", 0, 0.5)],
        columns=["video", "track", "score"],
    ).assign(label="FAKE", group="g")
    videos = video_scores(crops)
    assert videos["video"].tolist() == ["v", "w"]
    assert videos["score"].tolist() == pytest.approx([0.8, 0.5])
    assert videos["crops"].tolist() == [4, 1]


def test_figures_by_hand() -> None:
    metrics = measure(LABELS, [0.1, 0.6, 0.4, 0.9], threshold=0.5)
    assert (metrics.tp, metrics.tn, metrics.fp, metrics.fn) == (1, 1, 1, 1)
    assert metrics.auc == pytest.approx(0.75)
    assert metrics.accuracy == metrics.balanced_accuracy == 0.5
    expected = -np.mean(np.log([0.9, 0.4, 0.4, 0.9]))
    assert metrics.log_loss == pytest.approx(expected)


def test_a_score_at_the_threshold_is_fake() -> None:
    assert measure(["REAL", "FAKE"], [0.4, 0.5], threshold=0.5).accuracy == 1


def test_always_fake_has_the_accuracy_of_the_majority_and_half_balanced() -> None:
    metrics = measure(["FAKE"] * 323 + ["REAL"] * 77, [0.8] * 400, threshold=0.5)
    assert metrics.accuracy == pytest.approx(0.8075)
    assert metrics.balanced_accuracy == metrics.auc == 0.5


def test_one_class_has_no_auc() -> None:
    assert auc(["FAKE", "FAKE"], [0.1, 0.9]) is None
    assert measure(["FAKE", "FAKE"], [0.1, 0.9], 0.5).balanced_accuracy == 0.5


def test_the_threshold_separates_what_can_be_separated() -> None:
    assert 0.1 < best_threshold(LABELS, [0.05, 0.1, 0.2, 0.3]) < 0.2
    assert best_threshold(LABELS, [0.1, 0.2, 0.8, 0.9]) == 0.5


def videos(groups: int, seed: int, gain: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for group in range(groups):
        habit = rng.normal()  # what the videos of a group share
        for label in ("REAL", "FAKE", "FAKE"):
            score = habit + rng.normal() + gain * (label == "FAKE")
            rows.append((f"g{group}", label, score))
    return pd.DataFrame(rows, columns=["group", "label", "score"])


def test_the_interval_is_seeded_and_holds_the_estimate() -> None:
    table = videos(20, seed=1, gain=1.0)
    interval = group_bootstrap_auc(table, resamples=300, seed=1)
    assert interval == group_bootstrap_auc(table, resamples=300, seed=1)
    value = auc(table["label"], table["score"])
    assert interval is not None
    assert value is not None
    assert interval.low < value < interval.high


def test_the_interval_of_a_useless_score_covers_one_half_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(100):
        interval = group_bootstrap_auc(videos(15, seed, gain=0.0), resamples=200, seed=seed)
        assert interval is not None
        covered += interval.low <= 0.5 <= interval.high
    assert covered >= 86


def test_the_interval_is_that_of_resampling_the_rows_of_whole_groups() -> None:
    table = videos(8, seed=2, gain=0.7)
    rng = np.random.default_rng(0)
    groups = [rows for _, rows in table.groupby("group")]
    values = []
    for _ in range(1000):
        drawn = pd.concat([groups[i] for i in rng.integers(len(groups), size=len(groups))])
        values.append(auc(drawn["label"], drawn["score"]))
    interval = group_bootstrap_auc(table, resamples=4000, seed=1)
    assert interval is not None
    assert [interval.low, interval.high] == pytest.approx(
        np.percentile(values, [2.5, 97.5]), abs=0.02
    )


def test_no_interval_without_both_classes() -> None:
    table = videos(4, 1, 1.0).query("label == 'FAKE'")
    assert group_bootstrap_auc(table, resamples=100, seed=1) is None
