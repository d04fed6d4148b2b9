"""Metrics of kinds of video (slices): by face size, brightness, resolution, people and method."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dfd.scoring.bootstrap import intervals
from dfd.scoring.metrics import measure

# Columns of the videos, and the values at which each is divided into slices. The faces of DFDC are
# 60 to 300 pixels wide; brightness is mean luma, 0..255.
EDGES: dict[str, Sequence[float]] = {
    "face size, px": (80, 160),
    "brightness": (85, 170),
    "resolution, short side": (480, 720, 1080),
    "people": (2,),
}
METHOD = "method"
MIN_GROUPS = 5  # fewer videos than these of one class say nothing about a kind of video


def slice_figures(
    videos: pd.DataFrame, threshold: float, resamples: int, seed: int
) -> pd.DataFrame:
    """Return the metrics of every slice that holds a video.

    The slice of a forgery method holds its fakes and all REAL videos.

    Args:
        videos: One row per video, with the columns ``label``, ``group``, ``score`` (calibrated,
            0..1), ``method`` and those that ``EDGES`` names.
        threshold: Scores of at least this are predicted FAKE, 0..1.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.

    Returns:
        One row per slice, with the columns ``slice``, ``value``, ``videos``, ``fakes``, ``auc``,
        ``auc_low``, ``auc_high``, ``accuracy``, ``recall`` (of FAKE), ``recall_low`` and
        ``recall_high``. NaN where a metric or its interval cannot be given, or where a class that
        it is about comes from fewer than ``MIN_GROUPS`` groups.

    Example:
        The detector finds the large fakes and misses the small ones:

        >>> import pandas as pd
        >>> from dfd.evaluate.slices import slice_figures
        >>> videos = pd.DataFrame({"group": [f"group {n}" for n in range(10)], "label": "FAKE"})
        >>> videos["score"] = [0.1, 0.9] * 5
        >>> videos["face size, px"] = [60, 200] * 5
        >>> videos = videos.assign(**{"brightness": 120, "people": 1, "method": "swap"})
        >>> videos["resolution, short side"] = 720
        >>> slices = slice_figures(videos, threshold=0.5, resamples=100, seed=1)
        >>> slices.loc[slices["slice"] == "face size, px", ["value", "recall"]].values.tolist()
        [['under 80', 0.0], ['160 or more', 1.0]]
    """
    parts: list[tuple[str, str, pd.DataFrame]] = []
    for name, edges in EDGES.items():
        slice_of_video = np.digitize(videos[name].astype(float), edges)
        known = videos[name].notna().to_numpy()
        for number in range(len(edges) + 1):
            members = videos[known & (slice_of_video == number)]
            parts.append((name, _range_name(edges, number), members))
    real = videos[videos["label"] == "REAL"]
    for method, fakes in videos[videos["label"] == "FAKE"].groupby(METHOD):
        parts.append((METHOD, str(method), pd.concat([real, fakes])))
    rows = [
        {"slice": name, "value": value, **_figures(part, threshold, resamples, seed)}
        for name, value, part in parts
        if len(part)
    ]
    return pd.DataFrame(rows)


def with_kinds(videos: pd.DataFrame, crops: pd.DataFrame) -> pd.DataFrame:
    """Return videos with the columns by which ``slice_figures`` divides them.

    Args:
        videos: One row per video, with the columns ``video``, ``width`` and ``height``.
        crops: One row per crop, with the columns ``video``, ``track``, ``brightness``, ``x1``,
            ``y1``, ``x2`` and ``y2``.

    Example:
        >>> import pandas as pd
        >>> from dfd.evaluate.slices import with_kinds
        >>> videos = pd.DataFrame({"video": ["a"], "width": [640], "height": [360]})
        >>> crops = pd.DataFrame({"video": ["a"], "track": [0], "brightness": [120.0]})
        >>> crops = crops.assign(x1=0.0, y1=0.0, x2=100.0, y2=120.0)
        >>> with_kinds(videos, crops)["face size, px"].tolist()
        [120.0]
    """
    sizes = np.maximum(crops["x2"] - crops["x1"], crops["y2"] - crops["y1"])
    crops_of_video = crops.assign(size=sizes).groupby("video")
    kinds = {
        "face size, px": crops_of_video["size"].median(),
        "brightness": crops_of_video["brightness"].mean(),
        "people": crops_of_video["track"].nunique(),
    }
    columns = {name: videos["video"].map(values) for name, values in kinds.items()}
    short_side = videos[["width", "height"]].astype(float).min(axis=1)
    return videos.assign(**columns, **{"resolution, short side": short_side})


def empty_slices(slices: pd.DataFrame) -> dict[str, list[str]]:
    """Return the slices without a video, by the name of their column.

    Args:
        slices: The result of ``slice_figures``.

    Example:
        >>> import pandas as pd
        >>> from dfd.evaluate.slices import empty_slices
        >>> slices = pd.DataFrame({"slice": ["people"], "value": ["under 2"]})
        >>> empty_slices(slices)["people"]
        ['2 or more']
    """
    present = set(zip(slices["slice"], slices["value"], strict=True))
    missing = {
        name: [
            value
            for value in (_range_name(edges, number) for number in range(len(edges) + 1))
            if (name, value) not in present
        ]
        for name, edges in EDGES.items()
    }
    return {name: values for name, values in missing.items() if values}


def _figures(
    part: pd.DataFrame, threshold: float, resamples: int, seed: int
) -> dict[str, float | None]:
    metrics = measure(part["label"], part["score"], threshold)
    fakes = part[part["label"] == "FAKE"]
    groups = part.groupby("label")["group"].nunique()
    told_apart, found = groups.min() >= MIN_GROUPS, groups.get("FAKE", 0) >= MIN_GROUPS
    auc_interval = intervals(part, threshold, resamples, seed).get("auc") if told_apart else None
    # The accuracy of the fakes alone is their recall.
    recall_interval = intervals(fakes, threshold, resamples, seed).get("accuracy")
    return {
        "videos": len(part),
        "fakes": len(fakes),
        "auc": metrics.auc if told_apart else None,
        "auc_low": auc_interval.low if auc_interval else None,
        "auc_high": auc_interval.high if auc_interval else None,
        "accuracy": metrics.accuracy if told_apart else None,
        "recall": metrics.tp / len(fakes) if found else None,
        "recall_low": recall_interval.low if recall_interval else None,
        "recall_high": recall_interval.high if recall_interval else None,
    }


def _range_name(edges: Sequence[float], number: int) -> str:
    if number == 0:
        return f"under {edges[0]:g}"
    if number == len(edges):
        return f"{edges[-1]:g} or more"
    return f"{edges[number - 1]:g} to {edges[number]:g}"
