import numpy as np
import pandas as pd
import pytest

from dfd.evaluate.curves import pr_points, reliability_bins, risk_coverage, roc_points
from dfd.scoring.metrics import measure

VIDEOS = pd.DataFrame({"label": ["REAL", "FAKE", "FAKE"], "score": [0.2, 0.7, 0.4]})


def many() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    score = rng.random(200)
    label = np.where(rng.random(200) < score, "FAKE", "REAL")
    return pd.DataFrame({"label": label, "score": score})


def test_roc_runs_from_corner_to_corner() -> None:
    points = roc_points(VIDEOS["label"], VIDEOS["score"])
    assert points.iloc[0][["fpr", "tpr"]].tolist() == [0, 0]
    assert points.iloc[-1][["fpr", "tpr"]].tolist() == [1, 1]
    assert points["threshold"].max() <= 1


def test_the_area_under_the_points_is_the_figure_that_is_reported() -> None:
    videos = many()
    figures = measure(videos["label"], videos["score"], 0.5)
    roc = roc_points(videos["label"], videos["score"])
    assert np.trapezoid(roc["tpr"], roc["fpr"]) == pytest.approx(figures.auc)
    pr = pr_points(videos["label"], videos["score"])
    assert pr["recall"].is_monotonic_increasing
    assert pr["recall"].iloc[[0, -1]].tolist() == [0, 1]
    assert (pr["recall"].diff() * pr["precision"]).sum() == pytest.approx(figures.ap, abs=0.01)


def test_the_bins_count_every_video_and_add_up_to_the_calibration_error() -> None:
    videos = many()
    bins = reliability_bins(videos["label"], videos["score"])
    assert bins["videos"].sum() == len(videos)
    error = (bins["videos"] * (bins["score"] - bins["fake_share"]).abs()).sum() / len(videos)
    bin_of_video = (videos["score"] * 15).astype(int)
    chance = (videos["score"] * (1 - videos["score"])).groupby(bin_of_video).sum()
    by_luck = np.sqrt(2 / np.pi * chance).sum() / len(videos)
    ece = measure(videos["label"], videos["score"], 0.5).ece
    assert error - by_luck == pytest.approx(ece, abs=1e-9) or (error < by_luck and ece == 0)


def test_a_score_of_one_is_in_the_last_bin() -> None:
    bins = reliability_bins(pd.Series(["FAKE", "REAL"]), pd.Series([1.0, 0.0]))
    assert bins["low"].tolist() == pytest.approx([0, 14 / 15])


def test_one_class_has_no_curve_but_its_columns() -> None:
    fakes = VIDEOS[VIDEOS["label"] == "FAKE"]
    for points in (roc_points, pr_points):
        found = points(fakes["label"], fakes["score"])
        assert found.empty
        assert "threshold" in found


def test_the_surest_get_their_verdicts_first_and_equals_together() -> None:
    videos = pd.DataFrame(
        {"label": ["REAL", "FAKE", "FAKE", "REAL"], "score": [0.1, 0.9, 0.4, 0.45]}
    )
    curve = risk_coverage(videos, 0.5, 5)
    assert curve["coverage"].tolist() == pytest.approx([2 / 5, 3 / 5, 4 / 5])
    assert curve["risk"].tolist() == pytest.approx([0, 1 / 3, 1 / 4])
