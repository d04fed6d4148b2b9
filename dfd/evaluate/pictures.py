"""All pictures of an evaluation, each with the caption that says how to read it."""

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
    """A picture of the evaluation page.

    Attributes:
        figure: The figure.
        caption: How to read the figure.
        wide: Whether the figure takes the whole width of the page.
    """

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
        evaluation: The evaluation of the detector.
        decision: The calibration and the inconclusive band of the detector.
        points: The points of the curves, by name (``dfd.evaluate.records.tables``).
        worst: The crops of the worst errors (``dfd.evaluate.worst_errors.worst_errors``).
        images: Those crops in the same order, uint8 (N, S, S, 3) RGB.
        name: Name of the detector, for the titles.
    """
    video, frame = evaluation.levels["video"], evaluation.levels["frame"]
    return {
        "baselines": Picture(
            baselines_figure(evaluation, f"{name}: beside the baselines"),
            "AUC with its 95 % interval. Baselines cannot see forgery. Within groups: each fake is "
            "compared with its own source alone.",
            wide=True,
        ),
        "slices": Picture(
            slices_figure(evaluation.slices, f"{name}: by kind of video"),
            "AUC and recall with their 95 % intervals; none where there are too few groups. The "
            "slice of a method holds its fakes and every REAL video.",
            wide=True,
        ),
        "confusion_matrix": Picture(
            confusion_matrix_figure(video.metrics, f"{name}: test videos"),
            "Predictions for videos at the threshold, whether or not the video gets a verdict, "
            "with the shares of each true class.",
        ),
        "confusion_matrix_frames": Picture(
            confusion_matrix_figure(frame.metrics, f"{name}: test crops"),
            "Predictions for single crops at the threshold.",
        ),
        "roc": Picture(
            roc_figure(points["roc"], video, f"{name}: ROC"),
            "The share of the fakes that is found, against the share of real videos called fake. "
            "AUC is the probability that a fake scores higher than a real video.",
        ),
        "pr": Picture(
            pr_figure(points["pr"], video, f"{name}: precision and recall"),
            "The share of videos called fake that are fake, against the share of the fakes that is "
            "found.",
        ),
        "det": Picture(
            det_figure(points["roc"], video, f"{name}: DET"),
            "The two error rates against each other, on axes of normal deviates. EER is the point "
            "where both are equal. A rate of 0 is drawn as half a video.",
        ),
        "reliability": Picture(
            reliability_figure(points["reliability"], video, f"{name}: reliability"),
            "For videos of similar probability, the share that is fake; both at the share of fakes "
            "in the test part. On the dotted line the probabilities are right; ECE is the mean "
            "distance from it.",
        ),
        "scores": Picture(
            score_figure(evaluation.videos, decision, f"{name}: scores of test videos"),
            "Videos in the grey band get no verdict.",
        ),
        "risk_coverage": Picture(
            risk_coverage_figure(
                points["risk_coverage"], evaluation.coverage, f"{name}: risk and coverage"
            ),
            "How many verdicts would be wrong if only the videos with the most certain scores got "
            "one.",
        ),
        "worst": Picture(
            worst_figure(worst, images, f"{name}: the worst errors, worst first"),
            "The videos furthest on the wrong side of the threshold, each with its three most "
            "misleading crops. REAL videos have a blue frame, FAKE videos an orange one.",
            wide=True,
        ),
    }
