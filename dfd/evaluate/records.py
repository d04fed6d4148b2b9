"""The metrics of an evaluation as a JSON record, and its tables for CSV files."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from dfd.evaluate.curves import pr_points, reliability_bins, risk_coverage, roc_points
from dfd.evaluate.evaluation import Evaluation, at_own_mix
from dfd.scoring.decision import THRESHOLD


def as_record(evaluation: Evaluation, leaky: bool) -> dict[str, Any]:
    """Return the most important metrics, the content of ``metrics/<candidate>/evaluation.json``.

    ``as_table`` has all metrics and their intervals.

    Args:
        evaluation: The evaluation of the detector.
        leaky: Whether the split let videos of one group lie in several parts.

    Returns:
        A nested mapping of numbers, texts and None, which JSON can hold.
    """
    video = evaluation.levels["video"]
    interval, ece = video.intervals.get("auc"), video.intervals.get("ece")
    advantage, within = evaluation.advantage_interval, evaluation.within
    return {
        "leaky": leaky,
        "videos": evaluation.coverage.videos,
        "videos_without_face": evaluation.coverage.without_face,
        "videos_outside_domain": evaluation.coverage.outside_domain,
        "videos_inconclusive": evaluation.coverage.inconclusive,
        "coverage": evaluation.coverage.coverage,
        "verdicts": evaluation.coverage.verdicts,
        "verdicts_wrong": evaluation.coverage.wrong,
        "error_of_verdicts": evaluation.coverage.error,
        "error_of_verdicts_high": evaluation.coverage.error_high,
        "intervals_refused": evaluation.why_no_interval,
        "tpr_at_fpr_1_refused": evaluation.why_no_tpr,
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
                **{key: getattr(judgement.metrics, key) for key in ("auc", "accuracy", "ece")},
                "auc_low": judgement.intervals["auc"].low if "auc" in judgement.intervals else None,
                "auc_high": judgement.intervals["auc"].high
                if "auc" in judgement.intervals
                else None,
            }
            for name, judgement in evaluation.baselines.items()
        },
        "strongest_baseline": evaluation.strongest,
        "auc_above_baseline": evaluation.advantage,
        "auc_above_baseline_low": advantage.low if advantage else None,
        "auc_above_baseline_high": advantage.high if advantage else None,
    }


def as_table(evaluation: Evaluation) -> pd.DataFrame:
    """Return every metric with its 95 % interval, one per row.

    Args:
        evaluation: The evaluation of the detector.

    Returns:
        Columns ``of`` (a level, such as ``video``, or a baseline), ``figure`` (the name of the
        metric), ``value``, ``low`` and ``high`` (the ends of the interval; empty without one).
    """
    rows: list[tuple[str, str, float | None, float | None, float | None]] = []
    for name, judgement in {**evaluation.levels, **evaluation.baselines}.items():
        for figure, value in asdict(judgement.metrics).items():
            interval = judgement.intervals.get(figure)
            ends = (interval.low, interval.high) if interval else (None, None)
            rows.append((name, figure, value, *ends))
    if evaluation.within:
        interval = evaluation.within.interval
        ends = (interval.low, interval.high) if interval else (None, None)
        rows.append(("within groups", "auc", evaluation.within.auc, *ends))
        rows.append(("within groups", "pairs", evaluation.within.pairs, None, None))
    return pd.DataFrame(rows, columns=["of", "figure", "value", "low", "high"])


def tables(evaluation: Evaluation) -> dict[str, pd.DataFrame]:
    """Return the tables of ``plots/<candidate>/``, by the name of their CSV file.

    Args:
        evaluation: The evaluation of the detector.
    """
    videos = evaluation.videos
    predicted = videos["score"].ge(THRESHOLD).map({True: "FAKE", False: "REAL"})
    predictions = videos.assign(actual=videos["label"], predicted=predicted)
    columns = ["video", "group", "method", "actual", "predicted", "verdict", "score"]
    return {
        "predictions": predictions[[*columns, "baseline", "crops"]],
        "roc": roc_points(videos["label"], videos["score"]),
        "pr": pr_points(videos["label"], videos["score"]),
        "reliability": reliability_bins(videos["label"], at_own_mix(videos)[0]["score"]),
        "risk_coverage": risk_coverage(videos, THRESHOLD, evaluation.coverage.videos),
        "figures": as_table(evaluation),
        "slices": evaluation.slices,
    }
