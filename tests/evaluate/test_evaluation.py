import json

import numpy as np
import pandas as pd
import pytest

from dfd.errors import EvaluationError
from dfd.evaluate.evaluation import Evaluation, coverage_of, evaluate
from dfd.evaluate.records import as_record, as_table, tables
from dfd.params.evaluation import EvaluateParams
from dfd.scoring.decision import Calibration, Decision, with_prior
from dfd.scoring.metrics import measure

PARAMS = EvaluateParams(bootstrap=100, seed=1)
DECISION = Decision(Calibration(), width=0.2, fewest_crops=2)  # each video has two
GROUPS = 12


def listed(groups: int = GROUPS) -> pd.DataFrame:
    """A real and two fakes of it a group, and one video without a face."""
    rows = [
        (f"{kind}{g}", f"g{g}", label, None if kind == "r" else f"r{g}", method, 640, 360)
        for g in range(groups)
        for kind, label, method in (
            ("r", "REAL", None),
            ("a", "FAKE", "swap"),
            ("b", "FAKE", "lip"),
        )
    ]
    rows.append(("faceless", "g0", "FAKE", None, "swap", 640, 360))
    columns = ["video", "group", "label", "source", "method", "width", "height"]
    return pd.DataFrame(rows, columns=columns)


def crops(groups: int = GROUPS) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    videos = listed(groups).query("video != 'faceless'")
    rows = videos.loc[videos.index.repeat(2), ["video", "group", "label"]].reset_index(drop=True)
    fake = rows["label"] == "FAKE"
    score = np.clip(0.45 + 0.2 * fake + 0.15 * rng.normal(size=len(rows)), 0.01, 0.99)
    box = {"x1": 0.0, "y1": 0.0, "x2": 100.0, "y2": 100.0}
    return rows.assign(track=0, score=score, brightness=120.0, **box)


def judged(groups: int = GROUPS, decision: Decision = DECISION) -> Evaluation:
    videos = listed(groups)
    majority = pd.Series(0.7, index=pd.Index(videos["video"]))
    rng = np.random.default_rng(5)
    guess = pd.Series(rng.random(len(videos)), index=majority.index)
    return evaluate(
        crops(groups), videos, {"majority": majority, "metadata": guess}, decision, PARAMS
    )


def test_a_video_without_a_face_is_counted_and_has_no_verdict() -> None:
    evaluation = judged()
    verdicts = evaluation.videos["verdict"]
    counted = evaluation.coverage
    assert (counted.videos, counted.without_face) == (3 * GROUPS + 1, 1)
    assert counted.inconclusive == (verdicts == "INCONCLUSIVE").sum() > 0
    assert counted.coverage == pytest.approx((verdicts != "INCONCLUSIVE").sum() / counted.videos)
    assert evaluation.levels["frame"].metrics.n == 6 * GROUPS
    assert evaluation.levels["track"].metrics.n == evaluation.levels["video"].metrics.n


def test_the_strongest_baseline_is_what_the_detector_is_compared_with() -> None:
    evaluation = judged()
    ours, theirs = evaluation.levels["video"].metrics.auc, evaluation.baselines
    assert ours is not None
    strongest = theirs[evaluation.strongest].metrics.auc
    assert strongest == max(b.metrics.auc for b in theirs.values() if b.metrics.auc)
    assert evaluation.advantage == pytest.approx(ours - strongest)
    assert evaluation.advantage_interval is not None
    assert evaluation.advantage_interval.low < evaluation.advantage


def test_within_groups_a_habit_of_the_group_does_not_help() -> None:
    scored = crops()
    of_group = scored["group"].str[1:].astype(int) / (2 * GROUPS)
    fakes = scored["label"] == "FAKE"
    habit = scored.assign(score=np.clip(of_group + 0.3 * fakes, 0.01, 0.99))
    videos = listed()
    majority = pd.Series(0.7, index=pd.Index(videos["video"]))
    evaluation = evaluate(habit, videos, {"majority": majority}, DECISION, PARAMS)
    assert evaluation.within is not None
    assert evaluation.within.auc == 1.0
    assert evaluation.within.pairs == 2 * GROUPS
    across = evaluation.levels["video"].metrics.auc
    assert across is not None
    assert across < 0.95


def test_recall_is_given_by_method_and_figures_by_slice() -> None:
    slices = judged().slices.set_index(["slice", "value"])
    assert set(slices.loc["method"].index) == {"swap", "lip"}
    assert slices.loc[("method", "swap"), "fakes"] == GROUPS
    assert slices.loc[("method", "swap"), "recall_low"] < slices.loc[("method", "swap"), "recall"]
    assert slices.loc[("face size, px", "80 to 160"), "videos"] == 3 * GROUPS


def test_a_slice_of_fewer_than_five_groups_is_counted_and_not_judged() -> None:
    few, enough = (judged(groups).slices.set_index(["slice", "value"]) for groups in (4, 5))
    for row in (("face size, px", "80 to 160"), ("method", "swap")):
        assert few.loc[row, "videos"] > 0
        assert few.loc[row, ["auc", "accuracy", "recall"]].isna().all()
        assert enough.loc[row, ["auc", "accuracy", "recall"]].notna().all()


def test_a_rate_at_one_percent_of_the_real_videos_needs_three_hundred_groups_of_them() -> None:
    few = judged(groups=22)
    assert few.why_no_tpr == "needs 300 REAL groups, there are 22"
    for one in (*few.levels.values(), *few.baselines.values()):
        assert one.metrics.tpr_at_fpr_1 is None
        assert one.metrics.tpr_at_fpr_5 is not None
        assert "tpr_at_fpr_1" not in one.intervals
    assert as_record(few, leaky=False)["tpr_at_fpr_1_refused"] == few.why_no_tpr
    many = judged(groups=300)
    assert many.why_no_tpr is None
    assert many.levels["video"].metrics.tpr_at_fpr_1 is not None


def test_the_strongest_baseline_is_kept_with_the_predictions() -> None:
    evaluation = judged()
    predictions = tables(evaluation)["predictions"]
    auc = measure(predictions["actual"], predictions["baseline"], 0.5).auc
    assert auc == evaluation.baselines[evaluation.strongest].metrics.auc


def test_few_groups_have_figures_without_intervals_and_the_reason() -> None:
    evaluation = judged(groups=4)
    record = as_record(evaluation, leaky=False)
    assert record["video"]["auc"] is not None
    assert record["video"]["auc_low"] is None
    assert record["intervals_refused"] == "4 groups; an interval needs 10"
    assert evaluation.advantage_interval is None


def test_the_record_is_json_and_the_table_has_every_figure_with_its_interval() -> None:
    evaluation = judged()
    record = as_record(evaluation, leaky=True)
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["leaky"] is True
    table = as_table(evaluation).set_index(["of", "figure"])
    assert set(table.index.get_level_values("of")) == {
        *("frame", "track", "video", "majority", "metadata", "within groups")
    }
    row = table.loc[("video", "auc")]
    assert row["low"] < row["value"] < row["high"]
    assert row["value"] == record["video"]["auc"]


def test_calibration_and_threshold_are_those_given() -> None:
    shifted = Decision(Calibration(bias=-9), width=0.0)
    assert judged(decision=shifted).levels["video"].metrics.tp == 0
    assert judged(decision=shifted).levels["video"].metrics.auc == pytest.approx(
        judged().levels["video"].metrics.auc
    )


def test_calibration_is_measured_at_the_share_of_fakes_in_the_test_part() -> None:
    """Two in three are FAKE: what is right where one in two is, is right only with that prior."""
    evaluation = judged()
    shown, labels = evaluation.videos["score"], evaluation.videos["label"]
    shifted = measure(labels, with_prior(shown, 2 / 3), 2 / 3)
    assert evaluation.levels["video"].metrics.log_loss == pytest.approx(shifted.log_loss)
    assert evaluation.levels["video"].metrics.accuracy == measure(labels, shown, 0.5).accuracy
    bins = tables(evaluation)["reliability"]
    mean = (bins["score"] * bins["videos"]).sum() / bins["videos"].sum()
    assert mean == pytest.approx(with_prior(shown, 2 / 3).mean())


def test_nothing_to_judge_is_an_error() -> None:
    with pytest.raises(EvaluationError, match=r"manifest\.parquet"):
        evaluate(crops().iloc[:0], listed(), {}, DECISION, PARAMS)


def test_coverage_counts_every_video_and_errors_only_of_verdicts() -> None:
    videos = pd.DataFrame(
        {
            "label": ["REAL", "FAKE", "FAKE", "REAL"],
            "verdict": ["REAL", "FAKE", "REAL", "INCONCLUSIVE"],
            "group": ["a", "b", "b", "c"],
            "outside": False,
        }
    )
    counted = coverage_of(videos, 5)
    assert (counted.without_face, counted.inconclusive, counted.outside_domain) == (1, 1, 0)
    assert coverage_of(videos.assign(outside=[False, False, False, True]), 5).outside_domain == 1
    assert counted.coverage == pytest.approx(3 / 5)
    assert counted.error == pytest.approx(1 / 3)
    assert (counted.wrong, counted.verdicts) == (1, 3)
    assert counted.error_high == pytest.approx(0.8435, abs=1e-4), "half a group of two is wrong"
    assert coverage_of(videos[3:], 1).error is None


def test_a_video_outside_the_domain_has_a_score_but_no_verdict() -> None:
    videos = listed()
    majority = pd.Series(0.7, index=pd.Index(videos["video"]))
    given = judged().videos.query("verdict != 'INCONCLUSIVE'")
    outside = set(given["video"].iloc[:3])
    evaluation = evaluate(crops(), videos, {"majority": majority}, DECISION, PARAMS, outside)
    assert evaluation.coverage.outside_domain == 3
    rows = evaluation.videos.set_index("video").loc[sorted(outside)]
    assert set(rows["verdict"]) == {"INCONCLUSIVE"}
    assert evaluation.levels["video"].metrics.auc == judged().levels["video"].metrics.auc
