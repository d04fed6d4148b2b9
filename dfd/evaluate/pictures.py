"""Every table and picture of an evaluation, by file name."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from dfd.evaluate.curve_figures import (
    confusion_matrix_figure,
    det_figure,
    pr_figure,
    reliability_figure,
    risk_coverage_figure,
    roc_figure,
    score_figure,
)
from dfd.evaluate.evaluation import Evaluation
from dfd.evaluate.interval_figures import baselines_figure, slices_figure
from dfd.evaluate.worst_errors import worst_figure
from dfd.scoring.decision import Decision


@dataclass(frozen=True)
class Picture:
    """A figure, how to read it, and whether it takes the whole width of a page."""

    figure: Figure
    caption: str
    wide: bool = False


def pictures(
    evaluation: Evaluation,
    decision: Decision,
    points: Mapping[str, pd.DataFrame],
    worst: pd.DataFrame,
    images: npt.NDArray[np.uint8],
    name: str,
) -> dict[str, Picture]:
    """Return the pictures of ``plots/<candidate>/``, by the name of their PNG file.

    Args:
        evaluation: The evaluation.
        decision: The detector's.
        points: As from ``tables``.
        worst: As from ``worst_errors``.
        images: Its crops, uint8 (N, S, S, 3) RGB.
        name: What the titles call the detector.
    """
    video, frame = evaluation.levels["video"], evaluation.levels["frame"]
    covered = evaluation.coverage
    return {
        "baselines": Picture(
            baselines_figure(evaluation, f"{name}: beside what knows nothing of forgery"),
            "AUC with its 95 % interval. Within groups: each fake against its own source.",
            wide=True,
        ),
        "slices": Picture(
            slices_figure(evaluation.slices, f"{name}: by kind of video"),
            "AUC and recall with their 95 % intervals, none where groups are too few. A method's "
            "slice holds its fakes and every REAL video.",
            wide=True,
        ),
        "confusion_matrix": Picture(
            confusion_matrix_figure(video.metrics, f"{name}: test videos"),
            "Videos at the threshold, whether or not they get a verdict; shares of each true "
            "class.",
        ),
        "confusion_matrix_frames": Picture(
            confusion_matrix_figure(frame.metrics, f"{name}: test crops"),
            "Every crop on its own.",
        ),
        "roc": Picture(
            roc_figure(points["roc"], video, f"{name}: ROC"),
            "How many fakes are found for how many real videos called fake. AUC is the chance "
            "that a fake scores above a real one.",
        ),
        "pr": Picture(
            pr_figure(points["pr"], video, f"{name}: precision and recall"),
            "How many of those called fake are, for how many of the fakes found.",
        ),
        "det": Picture(
            det_figure(points["roc"], video, f"{name}: DET"),
            "The two kinds of error against each other, in normal deviates. EER is where both are "
            "equally frequent; a rate of none is drawn as that of half a video.",
        ),
        "reliability": Picture(
            reliability_figure(points["reliability"], video, f"{name}: reliability"),
            "Of the videos of about one score, how many are fake: on the dotted line "
            "probabilities are right. ECE is the mean distance from it.",
        ),
        "scores": Picture(
            score_figure(evaluation.videos, decision, f"{name}: scores of test videos"),
            "Videos in the grey band get no verdict.",
        ),
        "risk_coverage": Picture(
            risk_coverage_figure(points["risk_coverage"], covered, f"{name}: risk and coverage"),
            "How many verdicts would be wrong if only the surest videos got one.",
        ),
        "worst": Picture(
            worst_figure(worst, images, f"{name}: the worst errors, worst first"),
            "The videos furthest on the wrong side of the threshold, each by the three crops that "
            "misled most. Blue frames are REAL, orange ones FAKE.",
            wide=True,
        ),
    }
