import numpy as np
import pandas as pd
import pytest

from benchmarks.gate import World, promoted
from dfd.register.gate import Ruling, allowed_error, rule, within_limits


def videos(world: World, seed: int = 1) -> pd.DataFrame:
    (table,) = world.videos(np.random.default_rng(seed), challengers=1)
    return table


def outside(ruling: Ruling) -> set[str]:
    return {reason.what for reason in ruling.reasons if not reason.holds}


@pytest.mark.parametrize("mix", [0.05, 0.5, 0.75])
def test_of_equal_detectors_at_most_one_in_twenty_is_promoted_whatever_their_mix(
    mix: float,
) -> None:
    assert promoted(World(0.85, 0.85, groups=50, calibrated_on=mix), runs=120) <= 0.05


def test_of_worse_detectors_at_most_one_in_fifty_is_promoted() -> None:
    assert promoted(World(0.90, 0.88, groups=50, calibrated_on=0.05), runs=120) <= 0.02


def test_twenty_equal_challengers_in_turn_promote_one_in_at_most_a_tenth_of_the_cases() -> None:
    assert promoted(World(0.9, 0.9, groups=30), runs=20, challengers=20) <= 0.1


def test_all_rulings_by_a_test_part_share_one_error() -> None:
    first = allowed_error(1)
    assert first > allowed_error(2) > allowed_error(20)
    assert sum(allowed_error(number) for number in range(1, 10_000)) <= 2 * first


def test_a_gain_of_five_points_on_four_hundred_videos_is_seen_in_two_of_three_cases() -> None:
    assert promoted(World(0.85, 0.90), runs=60) >= 2 / 3


def test_a_later_ruling_needs_more() -> None:
    table = videos(World(0.85, 0.90, groups=50), seed=6)
    assert rule(table, 1, 200, 1).outcome == "promote"
    late = rule(table, 500, 200, 1)
    assert late.outcome == "keep"
    assert outside(late) == {"video AUC above champion"}


def test_log_loss_prevents_a_promotion_and_never_makes_one() -> None:
    table = videos(World(0.75, 0.95))
    ruling = rule(table, 1, 200, 1)
    assert ruling.outcome == "promote"
    assert "video AUC above champion +0." in ruling.line
    odds = table["challenger"] / (1 - table["challenger"])
    too_sure = table.assign(challenger=1 / (1 + odds**-40))
    assert outside(rule(too_sure, 1, 200, 1)) == {"gain in log loss"}
    same_order = table.assign(champion=table["challenger"] ** 0.5)
    assert outside(rule(same_order, 1, 200, 1)) == {"video AUC above champion"}


@pytest.mark.parametrize(
    ("auc", "baseline", "lacking"),
    [
        (0.95, 0.6, set()),
        (0.8, 0.8, {"video AUC above baseline"}),
        (0.5, 0.5, {"video AUC above chance", "video AUC above baseline"}),
    ],
)
def test_the_first_champion_is_surely_above_chance_and_the_baseline(
    auc: float, baseline: float, lacking: set[str]
) -> None:
    table = videos(World(baseline, auc, groups=60)).rename(columns={"champion": "baseline"})
    ruling = rule(table, 1, 200, 1)
    assert outside(ruling) == lacking
    assert ruling.outcome == ("keep" if lacking else "promote")


def test_a_figure_beyond_its_limit_or_not_known_does_not_hold() -> None:
    limits = within_limits({"coverage": (0.4, 0.5), "ece": (0.1, 0.2), "ms per crop": (None, 9.0)})
    assert [limit.holds for limit in limits] == [False, True, False]
    at_the_limit = within_limits({"coverage": (0.5, 0.5), "ece": (0.2, 0.2)})
    assert all(limit.holds for limit in at_the_limit)


def test_too_few_groups_or_no_common_video_change_nothing() -> None:
    few = rule(videos(World(0.6, 0.99, groups=9)), 1, 100, 1)
    assert (few.outcome, outside(few)) == ("keep", {"videos to compare on"})
    assert rule(videos(World(0.6, 0.99)).iloc[:0], 1, 100, 1).outcome == "keep"
