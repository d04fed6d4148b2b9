from pathlib import Path

import cv2
import pandas as pd

from dfd.evaluate.metrics import measure
from dfd.evaluate.plots import (
    confusion_matrix_figure,
    roc_figure,
    roc_points,
    score_figure,
    write_figure,
)

VIDEOS = pd.DataFrame({"label": ["REAL", "FAKE", "FAKE"], "score": [0.2, 0.7, 0.4]})


def test_roc_runs_from_corner_to_corner() -> None:
    points = roc_points(VIDEOS["label"], VIDEOS["score"])
    assert points.iloc[0][["fpr", "tpr"]].tolist() == [0, 0]
    assert points.iloc[-1][["fpr", "tpr"]].tolist() == [1, 1]
    assert points["threshold"].max() <= 1


def test_the_confusion_matrix_shows_its_counts() -> None:
    metrics = measure(VIDEOS["label"], VIDEOS["score"], 0.5)
    shown = [text.get_text() for text in confusion_matrix_figure(metrics, "t").axes[0].texts]
    assert shown == ["TN\n1\n100%", "FP\n0\n0%", "FN\n1\n50%", "TP\n1\n50%"]


def test_figures_become_equal_pictures_twice(tmp_path: Path) -> None:
    points = roc_points(VIDEOS["label"], VIDEOS["score"])
    for make in (
        lambda: roc_figure(points, "t"),
        lambda: score_figure(VIDEOS, 0.5, "t"),
        lambda: confusion_matrix_figure(measure(VIDEOS["label"], VIDEOS["score"], 0.5), "t"),
    ):
        for name in ("a.png", "b.png"):
            write_figure(tmp_path / name, make())
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
        picture = cv2.imread(str(tmp_path / "a.png"))
        assert picture is not None
        assert picture.std() > 5
