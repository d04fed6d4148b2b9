"""One detector judged on the test part, beside the baseline that has looked at no pixel."""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from dfd.errors import EvaluationError
from dfd.evaluate.metrics import (
    Interval,
    Metrics,
    group_bootstrap_auc,
    measure,
    video_scores,
)
from dfd.params import EvaluateParams


@dataclass(frozen=True)
class Evaluation:
    """Figures of a detector on the test part.

    Attributes:
        frame: Every crop on its own.
        video: Every video with at least one crop.
        interval: 95 % group-bootstrap interval of the video AUC; None with one class.
        majority: Video-level figures of always answering the training part's commoner class with
            its share as the score.
        videos: Videos of the test part, with or without a crop.
        without_face: Those without a crop, which therefore have no score.
        scores: One row per scored video: ``video``, ``label``, ``group``, ``score``, ``crops``.
    """

    frame: Metrics
    video: Metrics
    interval: Interval | None
    majority: Metrics
    videos: int
    without_face: int
    scores: pd.DataFrame


def evaluate(
    crops: pd.DataFrame,
    videos: int,
    train_fake_share: float,
    threshold: float,
    params: EvaluateParams,
) -> Evaluation:
    """Judge scored crops of the test part.

    Args:
        crops: One row per crop: ``video``, ``track``, ``label``, ``group``, ``score``.
        videos: Number of videos in the test part, those without a crop included.
        train_fake_share: Share of FAKE videos in the training part.
        threshold: Scores from here on are called FAKE; chosen on the validation part.
        params: Of the bootstrap.

    Raises:
        EvaluationError: There is no crop to judge.
    """
    if crops.empty:
        raise EvaluationError(
            "evaluate: no video of the test part has a crop; see the reasons in "
            "data/faces/manifest.parquet"
        )
    scores = video_scores(crops)
    return Evaluation(
        frame=measure(crops["label"], crops["score"], threshold),
        video=measure(scores["label"], scores["score"], threshold),
        interval=group_bootstrap_auc(scores, params.bootstrap, params.seed),
        majority=measure(scores["label"], [train_fake_share] * len(scores), 0.5),
        videos=videos,
        without_face=videos - len(scores),
        scores=scores,
    )


def as_record(evaluation: Evaluation, threshold: float, leaky: bool) -> dict[str, Any]:
    """Return the evaluation as the nested mapping of ``metrics/<candidate>/evaluation.json``."""
    interval = evaluation.interval
    return {
        "leaky": leaky,
        "threshold": threshold,
        "videos": evaluation.videos,
        "videos_without_face": evaluation.without_face,
        "video": {
            **asdict(evaluation.video),
            "auc_low": interval.low if interval else None,
            "auc_high": interval.high if interval else None,
        },
        "frame": asdict(evaluation.frame),
        "majority": asdict(evaluation.majority),
    }
