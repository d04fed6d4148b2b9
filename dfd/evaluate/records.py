"""What an evaluation leaves in files: its metrics as JSON, its tables as CSV."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from dfd.evaluate.curves import pr_points, reliability_bins, risk_coverage, roc_points
from dfd.evaluate.evaluation import Evaluation
from dfd.scoring.decision import Decision


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
        "intervals_refused": evaluation.why_no_interval,
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


def tables(evaluation: Evaluation, decision: Decision) -> dict[str, pd.DataFrame]:
    """Return the tables of ``plots/<candidate>/``, by the name of their CSV file."""
    videos = evaluation.videos
    called = videos["score"].ge(decision.threshold).map({True: "FAKE", False: "REAL"})
    predictions = videos.assign(actual=videos["label"], predicted=called)
    known = ["video", "group", "method", "actual", "predicted", "verdict", "score", "crops"]
    return {
        "predictions": predictions[known],
        "roc": roc_points(videos["label"], videos["score"]),
        "pr": pr_points(videos["label"], videos["score"]),
        "reliability": reliability_bins(videos["label"], videos["score"]),
        "risk_coverage": risk_coverage(videos, decision.threshold, evaluation.coverage.videos),
        "figures": as_table(evaluation),
        "slices": evaluation.slices,
    }
