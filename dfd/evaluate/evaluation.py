"""One detector judged on the test part, with intervals, coverage and what it must beat."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from dfd.errors import EvaluationError
from dfd.evaluate.baselines import MAJORITY
from dfd.evaluate.coverage import Coverage, coverage_of
from dfd.evaluate.slices import slice_figures
from dfd.evaluate.within import WithinGroups, within_groups
from dfd.params.judging import EvaluateParams
from dfd.scoring.aggregate import track_scores, video_scores
from dfd.scoring.bootstrap import (
    MIN_GROUPS,
    Interval,
    auc_of,
    difference,
    interval_of_mean,
    intervals,
    refused,
)
from dfd.scoring.decision import Decision
from dfd.scoring.metrics import Metrics, measure

LEVELS = ("frame", "track", "video")


@dataclass(frozen=True)
class Judgement:
    """Figures of one set of scored items, and the intervals that can be given."""

    metrics: Metrics
    intervals: dict[str, Interval]


@dataclass(frozen=True)
class Evaluation:
    """Figures of a detector on the test part.

    Attributes:
        levels: Judgement of ``frame``, ``track`` and ``video``.
        refused: Why some intervals of videos are not given; None where all are.
        coverage: Verdicts given, over all videos of the part.
        within: AUC of fakes against their own sources; None where no source is in the part.
        baselines: Judgement of every baseline, on the same videos.
        strongest: The baseline with the highest AUC, ``majority`` where none has one.
        advantage: AUC of the detector minus that of the strongest baseline; None with one class.
        advantage_interval: Its interval, from the same draws for both.
        slices: As from ``slice_figures``.
        videos: A row per video with a crop: ``video``, ``label``, ``group``, ``source``,
            ``method``, ``score`` (calibrated), ``verdict``, ``crops``.
        crops: The crops that were given, their scores calibrated.
    """

    levels: dict[str, Judgement]
    refused: str | None
    coverage: Coverage
    within: WithinGroups | None
    baselines: dict[str, Judgement]
    strongest: str
    advantage: float | None
    advantage_interval: Interval | None
    slices: pd.DataFrame
    videos: pd.DataFrame
    crops: pd.DataFrame


def evaluate(
    crops: pd.DataFrame,
    listed: pd.DataFrame,
    baselines: Mapping[str, pd.Series],
    decision: Decision,
    params: EvaluateParams,
) -> Evaluation:
    """Judge scored crops of the test part.

    Args:
        crops: A row per crop: ``video``, ``track``, ``label``, ``group``, ``score`` (that of the
            network), ``brightness`` and the box ``x1`` … ``y2``.
        listed: A row per video of the part, with or without a crop: ``video``, ``source``,
            ``method``, ``width``, ``height``.
        baselines: P(FAKE) by video of every baseline, as from ``baseline_scores``.
        decision: The detector's.
        params: Of the bootstrap.

    Raises:
        EvaluationError: There is no crop to judge.
    """
    if crops.empty:
        raise EvaluationError(
            "evaluate: no video of the test part has a crop; see the reasons in "
            "data/faces/manifest.parquet"
        )
    tables = {"frame": crops, "track": track_scores(crops), "video": video_scores(crops)}
    for name, table in tables.items():
        tables[name] = table.assign(score=decision.calibration.apply(table["score"]))
    about = listed[["video", "source", "method", "width", "height"]]
    videos = tables["video"].merge(about, on="video", how="left")
    videos["verdict"] = [decision.verdict(score) for score in videos["score"]]

    def judged(table: pd.DataFrame, threshold: float) -> Judgement:
        metrics = measure(table["label"], table["score"], threshold)
        return Judgement(metrics, intervals(table, threshold, params.bootstrap, params.seed))

    others = {
        name: judged(videos.assign(score=videos["video"].map(scores)), 0.5)
        for name, scores in baselines.items()
        if videos["video"].isin(scores.index).all()
    }
    strongest = max(others, key=lambda name: (others[name].metrics.auc or 0, name == MAJORITY))
    gain, interval = _advantage(videos, videos["video"].map(baselines[strongest]), params)
    described = _described(videos, crops)
    return Evaluation(
        levels={name: judged(table, decision.threshold) for name, table in tables.items()},
        refused=refused(videos),
        coverage=coverage_of(videos, len(listed)),
        within=within_groups(videos, params.bootstrap, params.seed),
        baselines=others,
        strongest=strongest,
        advantage=gain,
        advantage_interval=interval,
        slices=slice_figures(described, decision.threshold, params.bootstrap, params.seed),
        videos=videos.drop(columns=["width", "height"]),
        crops=tables["frame"],
    )


def _advantage(
    videos: pd.DataFrame, theirs: pd.Series, params: EvaluateParams
) -> tuple[float | None, Interval | None]:
    if videos["label"].nunique() < 2:
        return None, None
    figures = auc_of(videos, videos["score"]), auc_of(videos, theirs)
    gain, values = difference(videos, *figures, params.bootstrap, params.seed)
    groups = videos["group"].nunique()
    return gain, interval_of_mean(gain, values, groups) if groups >= MIN_GROUPS else None


def _described(videos: pd.DataFrame, crops: pd.DataFrame) -> pd.DataFrame:
    """Return the videos with the columns that ``slice_figures`` cuts along."""
    of = crops.assign(size=np.maximum(crops["x2"] - crops["x1"], crops["y2"] - crops["y1"]))
    by = of.groupby("video")
    kept = {
        "face size, px": by["size"].median(),
        "brightness": by["brightness"].mean(),
        "people": by["track"].nunique(),
    }
    columns = {name: videos["video"].map(values) for name, values in kept.items()}
    short = videos[["width", "height"]].astype(float).min(axis=1)
    return videos.assign(**columns, **{"resolution, short side": short})


def as_record(evaluation: Evaluation, decision: Decision, leaky: bool) -> dict[str, Any]:
    """Return the headline figures, the nested mapping of ``metrics/<candidate>/evaluation.json``.

    Everything else, intervals of all included, is in ``as_table``.
    """
    video = evaluation.levels["video"]
    interval, ece = video.intervals.get("auc"), video.intervals.get("ece")
    gain, within = evaluation.advantage_interval, evaluation.within
    return {
        "leaky": leaky,
        "threshold": decision.threshold,
        "videos": evaluation.coverage.videos,
        "videos_without_face": evaluation.coverage.without_face,
        "videos_inconclusive": evaluation.coverage.inconclusive,
        "coverage": evaluation.coverage.coverage,
        "error_of_verdicts": evaluation.coverage.error,
        "intervals_refused": evaluation.refused,
        "video": {
            **asdict(video.metrics),
            "auc_low": interval.low if interval else None,
            "auc_high": interval.high if interval else None,
            "ece_low": ece.low if ece else None,
        },
        "frame": {"auc": evaluation.levels["frame"].metrics.auc},
        "auc_within_groups": within.auc if within else None,
        "baselines": {
            name: {
                **{key: getattr(judged.metrics, key) for key in ("auc", "accuracy", "ece")},
                "auc_low": judged.intervals["auc"].low if "auc" in judged.intervals else None,
                "auc_high": judged.intervals["auc"].high if "auc" in judged.intervals else None,
            }
            for name, judged in evaluation.baselines.items()
        },
        "strongest_baseline": evaluation.strongest,
        "auc_above_baseline": evaluation.advantage,
        "auc_above_baseline_low": gain.low if gain else None,
        "auc_above_baseline_high": gain.high if gain else None,
    }


def as_table(evaluation: Evaluation) -> pd.DataFrame:
    """Return every figure with its interval, a row each.

    Columns are ``of`` (a level or a baseline), ``figure``, ``value``, ``low`` and ``high``.
    """
    rows: list[tuple[str, str, float | None, float | None, float | None]] = []
    for name, judged in {**evaluation.levels, **evaluation.baselines}.items():
        for figure, value in asdict(judged.metrics).items():
            interval = judged.intervals.get(figure)
            ends = (interval.low, interval.high) if interval else (None, None)
            rows.append((name, figure, value, *ends))
    if evaluation.within:
        interval = evaluation.within.interval
        ends = (interval.low, interval.high) if interval else (None, None)
        rows.append(("within groups", "auc", evaluation.within.auc, *ends))
        rows.append(("within groups", "pairs", evaluation.within.pairs, None, None))
    return pd.DataFrame(rows, columns=["of", "figure", "value", "low", "high"])
