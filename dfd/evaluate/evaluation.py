"""One detector judged on the test part, with intervals, coverage and what it must beat."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dfd.errors import EvaluationError
from dfd.evaluate.baselines import MAJORITY
from dfd.evaluate.slices import slice_figures
from dfd.params.judging import EvaluateParams
from dfd.scoring.aggregate import track_scores, video_scores
from dfd.scoring.bootstrap import (
    MIN_GROUPS,
    Interval,
    auc_statistic,
    difference,
    draws,
    interval_of_mean,
    interval_of_rate,
    intervals,
    why_no_interval,
)
from dfd.scoring.decision import Decision
from dfd.scoring.metrics import Metrics, Values, measure

LEVELS = ("frame", "track", "video")


@dataclass(frozen=True)
class Judgement:
    """Figures of one set of scored items, and the intervals that can be given."""

    metrics: Metrics
    intervals: dict[str, Interval]


@dataclass(frozen=True)
class Coverage:
    """Of all videos of a part.

    Attributes:
        videos: Number of videos, those without a crop included.
        without_face: Those without a crop.
        inconclusive: Those with a crop whose score lies in the inconclusive band.
        coverage: Share of the videos with a verdict, 0..1.
        error: Share of the verdicts that are wrong, 0..1; None without a verdict.
    """

    videos: int
    without_face: int
    inconclusive: int
    coverage: float
    error: float | None


@dataclass(frozen=True)
class WithinGroups:
    """The share of pairs in which the fake scores above its own source, a tie counted half."""

    auc: float
    interval: Interval | None
    pairs: int


@dataclass(frozen=True)
class Evaluation:
    """Figures of a detector on the test part.

    Attributes:
        levels: Judgement of ``frame``, ``track`` and ``video``.
        why_no_interval: Why some intervals of videos are not given; None where all are.
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
    why_no_interval: str | None
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
        why_no_interval=why_no_interval(videos),
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


def coverage_of(scored: pd.DataFrame, videos: int) -> Coverage:
    """Count verdicts.

    Args:
        scored: A row per video with a crop; columns ``label`` and ``verdict``.
        videos: Number of videos, those without a crop included.
    """
    given = scored[scored["verdict"] != "INCONCLUSIVE"]
    error = float((given["verdict"] != given["label"]).mean()) if len(given) else None
    return Coverage(
        videos, videos - len(scored), len(scored) - len(given), len(given) / videos, error
    )


def within_groups(videos: pd.DataFrame, resamples: int, seed: int) -> WithinGroups | None:
    """Return the AUC within groups, or None where no fake has its source beside it.

    Args:
        videos: Columns ``video``, ``source``, ``group``, ``label`` and ``score``.
        resamples: Number of draws of the groups.
        seed: Seed of the draws.
    """
    reals = videos.loc[videos["label"] == "REAL", ["video", "score"]]
    pairs = videos[videos["label"] == "FAKE"].merge(
        reals, left_on="source", right_on="video", suffixes=("", "_of_source")
    )
    if pairs.empty:
        return None
    gap = pairs["score"] - pairs["score_of_source"]
    won = np.where(gap > 0, 1.0, np.where(gap == 0, 0.5, 0.0))
    groups = pairs["group"].nunique()
    interval = None
    if groups >= MIN_GROUPS:
        values: list[Values] = [
            w @ won / w.sum(axis=1) for w in draws(pairs["group"], resamples, seed)
        ]
        interval = interval_of_rate(float(won.mean()), np.concatenate(values), groups)
    return WithinGroups(float(won.mean()), interval, len(pairs))


def _advantage(
    videos: pd.DataFrame, theirs: pd.Series, params: EvaluateParams
) -> tuple[float | None, Interval | None]:
    if videos["label"].nunique() < 2:
        return None, None
    figures = auc_statistic(videos, videos["score"]), auc_statistic(videos, theirs)
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
