"""Figures by kind of video: where a detector holds and where it does not."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dfd.scoring.bootstrap import intervals
from dfd.scoring.metrics import measure

# The faces of DFDC are 60 to 300 pixels wide; luma runs from 0 to 255.
EDGES: dict[str, Sequence[float]] = {
    "face size, px": (80, 160),
    "brightness": (85, 170),
    "resolution, short side": (480, 720, 1080),
    "people": (2,),
}
METHOD = "method"


def slice_figures(
    videos: pd.DataFrame, threshold: float, resamples: int, seed: int
) -> pd.DataFrame:
    """Return the figures of every slice that has a video.

    A method's slice holds its fakes and every REAL video.

    Args:
        videos: A row a video: ``label``, ``group``, ``score``, ``method`` and the columns that
            ``EDGES`` names.
        threshold: Scores from here on are called FAKE.
        resamples: Number of draws of the groups.
        seed: Seed of the draws.

    Returns:
        Columns ``slice``, ``value``, ``videos``, ``fakes``, ``auc``, ``auc_low``, ``auc_high``,
        ``accuracy``, ``recall`` (of FAKE), ``recall_low`` and ``recall_high``; NaN where a figure
        or its interval cannot be had.
    """
    parts: list[tuple[str, str, pd.DataFrame]] = []
    for name, edges in EDGES.items():
        which = np.digitize(videos[name].astype(float), edges)
        known = videos[name].notna().to_numpy()
        for number in range(len(edges) + 1):
            parts.append((name, _between(edges, number), videos[known & (which == number)]))
    real = videos[videos["label"] == "REAL"]
    for method, fakes in videos[videos["label"] == "FAKE"].groupby(METHOD):
        parts.append((METHOD, str(method), pd.concat([real, fakes])))
    rows = [
        {"slice": name, "value": value, **_figures(part, threshold, resamples, seed)}
        for name, value, part in parts
        if len(part)
    ]
    return pd.DataFrame(rows)


def unseen(slices: pd.DataFrame) -> dict[str, list[str]]:
    """Return, by name, the values of which ``slice_figures`` had no video."""
    seen = set(zip(slices["slice"], slices["value"], strict=True))
    values = {
        name: [_between(edges, number) for number in range(len(edges) + 1)]
        for name, edges in EDGES.items()
    }
    missing = {name: [v for v in of if (name, v) not in seen] for name, of in values.items()}
    return {name: of for name, of in missing.items() if of}


def _figures(
    part: pd.DataFrame, threshold: float, resamples: int, seed: int
) -> dict[str, float | None]:
    metrics = measure(part["label"], part["score"], threshold)
    fakes = part[part["label"] == "FAKE"]
    ranked = intervals(part, threshold, resamples, seed).get("auc")
    found = intervals(fakes, threshold, resamples, seed).get("accuracy")
    return {
        "videos": len(part),
        "fakes": len(fakes),
        "auc": metrics.auc,
        "auc_low": ranked.low if ranked else None,
        "auc_high": ranked.high if ranked else None,
        "accuracy": metrics.accuracy,
        "recall": metrics.tp / len(fakes) if len(fakes) else None,
        "recall_low": found.low if found else None,
        "recall_high": found.high if found else None,
    }


def _between(edges: Sequence[float], number: int) -> str:
    if number == 0:
        return f"under {edges[0]:g}"
    if number == len(edges):
        return f"{edges[-1]:g} or more"
    return f"{edges[number - 1]:g} to {edges[number]:g}"
