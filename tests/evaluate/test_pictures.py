from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from dfd.evaluate.evaluation import Evaluation
from dfd.evaluate.pictures import Picture, pictures
from dfd.evaluate.records import tables
from dfd.evaluate.worst_errors import worst_errors
from dfd.plots import shortened, write_figure
from dfd.scoring.decision import THRESHOLD
from tests.evaluate.subject import DECISION, evaluation, noise


def drawn(judged: Evaluation, name: str = "small") -> dict[str, Picture]:
    worst = worst_errors(judged.videos, judged.crops, THRESHOLD)
    return pictures(judged, DECISION, tables(judged), worst, noise(len(worst)), name)


def words(figure: Figure) -> list[str]:
    """Return every text of a figure: titles, labels, ticks, legends."""
    figure.draw_without_rendering()
    found = figure.findobj(match=lambda one: hasattr(one, "get_text"))
    return list(dict.fromkeys(text.get_text() for text in found))


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("classes", [("REAL", "FAKE"), ("FAKE",), ("REAL",)])
def test_every_picture_is_made_and_the_same_twice(tmp_path: Path, classes: tuple[str, ...]) -> None:
    for folder in (tmp_path / "a", tmp_path / "b"):
        for key, picture in drawn(evaluation(4, classes=classes)).items():
            write_figure(folder / f"{key}.png", picture.figure)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
        picture = cv2.imread(str(path))
        assert picture is not None
        assert picture.std() > 3, path.name


def test_the_confusion_matrix_shows_its_counts() -> None:
    judged = evaluation()
    found = words(drawn(judged)["confusion_matrix"].figure)
    metrics = judged.levels["video"].metrics
    assert f"TP\n{metrics.tp}\n{metrics.tp / 12:.0%}" in found
    assert f"FP\n{metrics.fp}\n{metrics.fp / 12:.0%}" in found


def test_figures_stand_with_their_intervals_or_say_that_there_is_none() -> None:
    judged = evaluation()
    interval = judged.levels["video"].intervals["auc"]
    (legend,) = [w for w in words(drawn(judged)["roc"].figure) if w.startswith("AUC")]
    assert f"({interval.low:.3f}–{interval.high:.3f})" in legend
    (legend,) = [w for w in words(drawn(evaluation(4))["roc"].figure) if w.startswith("AUC")]
    assert legend.endswith("(no interval)")


def test_the_detector_stands_beside_every_baseline_and_chance() -> None:
    found = words(drawn(evaluation())["baselines"].figure)
    for name in (
        "detector",
        "detector, within groups",
        "baseline: majority",
        "baseline: image statistics",
        "chance",
    ):
        assert name in found


def test_a_class_is_told_by_more_than_its_colour() -> None:
    figure = drawn(evaluation())["scores"].figure
    above, below = figure.axes
    assert above.get_ylabel().startswith("REAL")
    assert below.get_ylabel().startswith("FAKE")
    hatches = [axes.containers[0].patches[0].get_hatch() for axes in (above, below)]
    assert hatches[0] != hatches[1]


def test_names_are_drawn_as_they_are_and_never_too_long() -> None:
    found = words(drawn(evaluation(), name="a $\\frac$ name")["roc"].figure)
    assert "a $\\frac$ name: ROC" in found
    assert shortened("x" * 40 + "end.mp4", 20) == "xxxxxxxxx…xxxend.mp4"
    assert shortened("a\n\u202eb", 20) == "a��b"


def test_no_word_of_many_slices_lies_on_another() -> None:
    figure = drawn(evaluation(40))["slices"].figure
    figure.draw_without_rendering()
    boxes = [
        text.get_window_extent()
        for axes in figure.axes
        for text in (*axes.texts, *(axes.get_yticklabels() if axes is figure.axes[0] else ()))
        if text.get_text()
    ]
    edge = figure.bbox.x1
    assert all(box.x0 >= 0 and box.x1 <= edge for box in boxes)
    crossing = [
        (a, b)
        for n, a in enumerate(boxes)
        for b in boxes[n + 1 :]
        if np.all([a.x0 < b.x1, b.x0 < a.x1, a.y0 < b.y1, b.y0 < a.y1])
    ]
    assert not crossing
