import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from dfd.errors import EvaluationError, FacesError
from dfd.params.evaluation import EvaluateParams
from dfd.robustness.figure import robustness_figure
from dfd.robustness.perturbations import ON_CROP, PERTURBATIONS, perturb_crops
from dfd.robustness.table import (
    CLEAN,
    as_record,
    level_scores,
    robustness_table,
    stored_crops,
)
from dfd.scoring.bootstrap import auc_interval
from dfd.scoring.metrics import auc

PARAMS = EvaluateParams(bootstrap=300, seed=1)
VIDEOS = 36


def sharpness(crops: np.ndarray) -> np.ndarray:
    """Call FAKE what has much fine detail."""
    return np.array([np.abs(cv2.Laplacian(crop, cv2.CV_32F)).mean() / 255 for crop in crops])


def grainy_fakes() -> tuple[pd.DataFrame, np.ndarray]:
    """Return crops of soft colours, the fakes with grain, and their table."""
    rng = np.random.default_rng(0)
    rows, images = [], []
    for video in range(VIDEOS):
        label = "FAKE" if video % 3 else "REAL"
        light = rng.integers(70, 180, (4, 4, 3), dtype=np.uint8)
        soft = cv2.resize(light, (48, 48), interpolation=cv2.INTER_CUBIC).astype(float)
        for frame in range(2):
            grain = rng.normal(0, 5 if label == "FAKE" else 1, soft.shape)
            images.append(np.clip(soft + grain, 0, 255).astype(np.uint8))
            rows.append((f"v{video}", frame, 0, label, f"g{video // 3}", f"v{video}/{frame}"))
    columns = ["video", "frame", "track", "label", "group", "member"]
    return pd.DataFrame(rows, columns=columns), np.stack(images)


def toy_scores(*names: str) -> pd.DataFrame:
    """Return the scores of ``sharpness``, clean and under each named perturbation."""
    crops, images = grainy_fakes()
    tables = [level_scores(crops.assign(score=sharpness(images)), CLEAN)]
    for name in names:
        for level in ON_CROP[name].levels:
            altered = perturb_crops(images, crops["member"], ON_CROP[name], level)
            tables.append(level_scores(crops.assign(score=sharpness(altered)), name, level))
    return pd.concat(tables)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return robustness_table(toy_scores("blur", "gamma"), VIDEOS + 1, PARAMS)


def test_a_detector_of_fine_detail_falls_under_blur_and_not_under_gamma(
    table: pd.DataFrame,
) -> None:
    by_name = table.set_index("perturbation")
    assert by_name.loc[CLEAN, "auc"] == 1
    assert (by_name.loc["gamma", "difference"] == 0).all()
    strongest = by_name.loc["blur"].iloc[-1]
    assert strongest["auc"] < 0.8
    assert strongest["difference"] == pytest.approx(strongest["auc"] - 1)
    assert strongest["difference_low"] <= strongest["difference"]
    assert strongest["difference_high"] < 0


def test_the_table_has_a_row_for_every_level_of_every_perturbation(table: pd.DataFrame) -> None:
    assert table["perturbation"].iloc[0] == CLEAN
    found = table.iloc[1:].groupby("perturbation", sort=False)["level"].apply(tuple).to_dict()
    assert found == {name: one.levels for name, one in PERTURBATIONS.items()}
    assert table["coverage"].iloc[0] == VIDEOS / (VIDEOS + 1), "one had no crop at all"


def test_the_clean_row_is_what_the_evaluation_says(table: pd.DataFrame) -> None:
    interval = auc_interval(toy_scores(), PARAMS.bootstrap, PARAMS.seed)
    assert interval is not None
    assert table.loc[0, ["auc_low", "auc_high"]].tolist() == [interval.low, interval.high]
    assert table.loc[0, ["difference", "difference_low", "difference_high"]].tolist() == [0, 0, 0]


def test_videos_without_a_crop_lower_coverage_and_leave_the_pair() -> None:
    scores = toy_scores("blur")
    lost = (scores["level"] == 4) & scores["video"].isin(["v0", "v1", "v2", "v3"])
    row = robustness_table(scores[~lost], VIDEOS, PARAMS).query("level == 4").iloc[0]
    assert row["videos"] == VIDEOS - 4
    assert row["coverage"] == (VIDEOS - 4) / VIDEOS
    kept = scores[scores["level"].isna() & ~scores["video"].isin(["v0", "v1", "v2", "v3"])]
    same_videos = auc(kept["label"], kept["score"])
    assert row["difference"] == pytest.approx(row["auc"] - same_videos)


def test_where_one_class_or_nothing_is_left_there_is_no_figure_and_json_says_null() -> None:
    scores = toy_scores("blur")
    only_fake = scores[(scores["level"] != 4) | (scores["label"] == "FAKE")]
    table = robustness_table(only_fake, VIDEOS, PARAMS)
    record = as_record(table, leaky=False, given_up={"v0": "crash: its process died (SIGSEGV)"})
    assert record["blur"]["4"]["auc"] is None
    assert record["blur"]["4"]["videos"] == 24
    assert record["h264"]["40"]["coverage"] == 0
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert robustness_figure(table, "t").axes


@pytest.mark.parametrize("label", ["REAL", "FAKE"])
def test_a_test_part_of_one_class_is_an_error(label: str) -> None:
    scores = toy_scores()
    with pytest.raises(EvaluationError, match=f"has a crop of {label} videos alone"):
        robustness_table(scores[scores["label"] == label], VIDEOS, PARAMS)


def test_a_test_part_without_a_crop_is_an_error() -> None:
    with pytest.raises(EvaluationError, match=r"has no crop.*manifest\.parquet"):
        robustness_table(toy_scores().iloc[:0], VIDEOS, PARAMS)


def test_the_paired_interval_is_that_of_resampling_the_rows_of_whole_groups() -> None:
    rng = np.random.default_rng(4)
    rows = [
        (f"v{group}-{kind}", f"g{group}", label, habit + rng.normal() + gain,
         habit + rng.normal() + 2 * gain)
        for group in range(12)
        for habit in [rng.normal()]
        for kind, (label, gain) in enumerate((("REAL", 0), ("FAKE", 1), ("FAKE", 1)))
    ]  # fmt: skip
    videos = pd.DataFrame(rows, columns=["video", "group", "label", "score", "clean"])
    groups = [rows for _, rows in videos.groupby("group")]
    values = []
    for _ in range(1500):
        drawn = pd.concat([groups[i] for i in rng.integers(len(groups), size=len(groups))])
        values.append(auc(drawn["label"], drawn["score"]) - auc(drawn["label"], drawn["clean"]))
    before = videos.assign(score=videos["clean"], perturbation=CLEAN, level=np.nan)
    after = videos.assign(perturbation="blur", level=4.0)
    scores = pd.concat([before, after]).drop(columns="clean")
    table = robustness_table(scores, len(videos), EvaluateParams(bootstrap=4000, seed=1))
    row = table.query("perturbation == 'blur' and level == 4").iloc[0]
    expected = auc(videos["label"], videos["score"]) - auc(videos["label"], videos["clean"])
    assert row["difference"] == pytest.approx(expected)
    reach = t.ppf(0.975, len(groups) - 1) * np.std(values)
    np.testing.assert_allclose(
        [row["difference_low"], row["difference_high"]],
        [expected - reach, expected + reach],
        atol=0.03,
    )


def test_with_few_groups_there_are_figures_without_intervals_and_the_picture_says_so() -> None:
    scores = toy_scores("blur")
    few = scores[scores["group"].isin([f"g{i}" for i in range(4)])]
    table = robustness_table(few, VIDEOS, PARAMS)
    assert table["auc"].notna().sum() == 1 + len(ON_CROP["blur"].levels)
    assert table[["auc_low", "auc_high", "difference_low", "difference_high"]].isna().all(None)
    figure = robustness_figure(table, "few")
    names = {text.get_text() for axes in figure.axes if axes.legend_ for text in axes.legend_.texts}
    assert "too few groups to say" in names
    assert not names & {"no difference seen", "differs from clean (paired, 95 %)"}


def test_a_result_that_is_gone_is_no_video_without_a_face(tmp_path: Path) -> None:
    with pytest.raises(FacesError, match=r"'a\.mp4' is gone"):
        stored_crops(tmp_path, {"a.mp4": "0" * 64})


def test_the_figure_has_a_panel_each_and_marks_what_differs(table: pd.DataFrame) -> None:
    figure = robustness_figure(table, "toy")
    panels = {axes.get_title(): axes for axes in figure.axes}
    assert set(PERTURBATIONS) <= set(panels)
    ticks = [text.get_text() for text in panels["gamma"].get_xticklabels()]
    assert ticks == ["0.4", "0.6", "0.8", "clean", "1.25", "1.6", "2.5"]
    differing, equal, clean = (
        len(points.get_offsets()) for points in panels["gamma"].collections[1:]
    )
    assert (differing, equal, clean) == (0, 6, 1)
    assert len(panels["blur"].collections[1].get_offsets()) > 0
