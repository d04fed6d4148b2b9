import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from dfd.scoring.bootstrap import (
    auc_interval,
    auc_statistic,
    difference,
    draws,
    interval_of_mean,
    intervals,
    why_no_interval,
)
from dfd.scoring.metrics import auc


def videos(groups: int, seed: int, gain: float) -> pd.DataFrame:
    """A real and three fakes a group, which share a habit as strong as their own noise."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), 4)
    label = np.tile(["REAL", "FAKE", "FAKE", "FAKE"], groups)
    odds = rng.normal(size=groups)[group] + rng.normal(size=4 * groups) + gain * (label == "FAKE")
    score = 1 / (1 + np.exp(-odds))
    return pd.DataFrame({"group": [f"g{g}" for g in group], "label": label, "score": score})


def test_intervals_are_seeded_and_hold_the_estimate() -> None:
    table = videos(20, seed=1, gain=1.0)
    found = intervals(table, 0.5, 300, seed=1)
    assert found == intervals(table, 0.5, 300, seed=1)
    assert found["auc"] == auc_interval(table, 300, seed=1)
    value = auc(table["label"], table["score"])
    assert value is not None
    assert found["auc"].low < value < found["auc"].high


@pytest.mark.parametrize("cases", [250, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("groups", "gain"), [(100, 0.0), (100, 1.5), (40, 3.0)])
def test_intervals_of_clustered_videos_cover_the_true_auc(
    groups: int, gain: float, cases: int
) -> None:
    true = norm.cdf(gain / 2)  # both classes are normal, of variance 2
    found = [auc_interval(videos(groups, seed, gain), 200, seed) for seed in range(cases)]
    covered = np.mean([one is not None and one.low <= true <= one.high for one in found])
    assert 0.93 <= covered <= 0.97


@pytest.mark.parametrize("cases", [200, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("groups", "true"), [(25, 0.97), (40, 0.98), (40, 0.99)])
def test_intervals_of_clustered_videos_cover_an_auc_near_one(
    groups: int, true: float, cases: int
) -> None:
    gain = 2 * norm.ppf(true)
    found = [auc_interval(videos(groups, seed, gain), 200, seed) for seed in range(cases)]
    covered = np.mean([one is not None and one.low <= true <= one.high for one in found])
    assert 0.9 <= covered <= 0.98


def test_a_figure_without_an_error_is_not_claimed_to_be_certain() -> None:
    interval = auc_interval(videos(20, seed=1, gain=50.0), 200, seed=1)
    assert interval is not None
    assert 0.75 < interval.low < 0.87
    assert interval.high == 1.0


def test_drawing_is_that_of_the_rows_of_whole_groups() -> None:
    table = videos(12, seed=2, gain=0.7)
    rng = np.random.default_rng(0)
    groups = [rows for _, rows in table.groupby("group")]
    values = []
    for _ in range(1000):
        drawn = pd.concat([groups[i] for i in rng.integers(len(groups), size=len(groups))])
        values.append(auc(drawn["label"], drawn["score"]))
    figure = auc_statistic(table, table["score"])
    ours = np.concatenate([figure(weights) for weights in draws(table["group"], 4000, seed=1)])
    expected = np.percentile(values, [5, 50, 95])
    assert np.percentile(ours, [5, 50, 95]) == pytest.approx(expected, abs=0.02)


def test_what_two_detectors_share_drops_out_of_their_difference() -> None:
    table = videos(60, seed=3, gain=1.0)
    better = table["score"] + 0.1 * (table["label"] == "FAKE")
    gain, values = difference(
        table, auc_statistic(table, better), auc_statistic(table, table["score"]), 300, 1
    )
    paired = interval_of_mean(gain, values, 60)
    alone = auc_interval(table, 300, 1)
    assert alone is not None
    assert 0 < paired.low < gain < paired.high
    assert paired.high - paired.low < (alone.high - alone.low) / 2


def test_no_interval_from_few_groups_or_one_class() -> None:
    assert intervals(videos(9, 1, 1.0), 0.5, 100, seed=1) == {}
    assert why_no_interval(videos(9, 1, 1.0)) == "9 groups; an interval needs 10"
    fakes = videos(10, 1, 1.0).query("label == 'FAKE'")
    assert "auc" not in intervals(fakes, 0.5, 100, seed=1)
    assert "accuracy" in intervals(fakes, 0.5, 100, seed=1)
    assert why_no_interval(fakes) == "every item is FAKE"
    assert auc_interval(fakes, 100, seed=1) is None
