import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from dfd.register.gate import Ruling, rule, within_limits

GROUPS = 100


def scored(seed: int, champion: float, challenger: float, groups: int = GROUPS) -> pd.DataFrame:
    """Return calibrated scores of two detectors of these AUCs for a real and three fakes a group.

    Of the noise in their log-odds 60 % is the group's or the video's, 40 % the detector's own.
    """
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), 4)
    label = np.tile(["REAL", "FAKE", "FAKE", "FAKE"], groups)
    shared = np.sqrt(0.3) * (rng.normal(size=groups)[group] + rng.normal(size=4 * groups))
    table = pd.DataFrame({"group": [f"{g}" for g in group], "label": label})
    for who, auc in (("champion", champion), ("challenger", challenger)):
        apart = norm.ppf(auc) * np.sqrt(2)  # between classes of variance 1
        noise = shared + np.sqrt(0.4) * rng.normal(size=4 * groups)
        odds = apart * (noise + apart * (label == "FAKE") - apart / 2) + np.log(3)
        table[who] = 1 / (1 + np.exp(-odds))
    return table


def promoted(champion: float, challenger: float, cases: int) -> float:
    rulings = [rule((), scored(seed, champion, challenger), 200, seed) for seed in range(cases)]
    return float(np.mean([ruling.outcome == "promote" for ruling in rulings]))


@pytest.mark.parametrize("cases", [120, pytest.param(500, marks=pytest.mark.slow)])
def test_of_equal_detectors_at_most_one_in_twenty_is_promoted(cases: int) -> None:
    assert 0 < promoted(0.85, 0.85, cases) <= 0.05


def test_a_gain_of_five_points_on_four_hundred_videos_is_seen_four_times_in_five() -> None:
    assert promoted(0.85, 0.90, cases=200) >= 0.8


def test_a_worse_challenger_is_kept_out() -> None:
    assert promoted(0.90, 0.80, cases=20) == 0


def test_a_ruling_says_what_decided_it() -> None:
    ruling = rule((), scored(1, 0.75, 0.95), 300, 1)
    assert ruling.outcome == "promote"
    assert "gain in video AUC +0." in ruling.line


def outside(ruling: Ruling) -> set[str]:
    return {reason.what for reason in ruling.reasons if not reason.holds}


def test_outside_a_limit_is_rejected_even_without_a_champion() -> None:
    limits = within_limits({"coverage": (0.4, 0.5), "ece": (0.1, 0.2), "ms per crop": (None, 9.0)})
    ruling = rule(limits, None, 100, 1)
    assert ruling.outcome == "reject"
    assert outside(ruling) == {"coverage", "ms per crop"}


def test_the_first_within_the_limits_leads() -> None:
    limits = within_limits({"coverage": (0.5, 0.5), "ece": (0.2, 0.2)})
    assert rule(limits, None, 100, 1).outcome == "promote"


def test_too_few_groups_or_no_common_video_change_nothing() -> None:
    few = rule((), scored(1, 0.6, 0.99, groups=9), 100, 1)
    assert (few.outcome, outside(few)) == ("keep", {"videos to compare on"})
    assert rule((), scored(1, 0.6, 0.99).iloc[:0], 100, 1).outcome == "keep"
