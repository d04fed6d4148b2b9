"""How a detector's video AUC falls with what happens to the videos, level by level.

Every level is judged on the same test videos as the clean ones, so a difference is paired: whole
groups are drawn once for both, and what makes a group easy or hard cancels out. Where a
perturbation leaves a video without a crop, coverage says so and the difference is taken over the
videos that have one in both.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from dfd.errors import EvaluationError, FacesError
from dfd.faces.store import read_video_faces
from dfd.labels import LABELS
from dfd.params.judging import EvaluateParams
from dfd.robustness.perturbations import PERTURBATIONS
from dfd.scoring.aggregate import video_scores
from dfd.scoring.bootstrap import (
    auc_interval,
    auc_statistic,
    difference,
    interval_of_mean,
    why_no_interval,
)
from dfd.scoring.metrics import auc

CLEAN = "clean"
COLUMNS = (
    *("perturbation", "level", "unit", "videos", "auc", "auc_low", "auc_high"),
    *("difference", "difference_low", "difference_high", "coverage"),
)


def check_classes(test: pd.DataFrame) -> None:
    """Refuse a test part that has no AUC.

    Args:
        test: Crops or videos of the test part, as they are; ``label`` is read.

    Raises:
        EvaluationError: They are of one class, or there are none.
    """
    found = sorted(set(test["label"]))
    if len(found) < len(LABELS):
        had = f"a crop of {found[0]} videos alone" if found else "no crop"
        raise EvaluationError(
            f"robustness: the test part has {had}, and an AUC needs REAL and FAKE; see the reasons "
            "in data/faces/manifest.parquet, or change split.fractions or split.seed in params.yaml"
        )


def level_scores(crops: pd.DataFrame, name: str, level: float | None = None) -> pd.DataFrame:
    """Return ``video_scores`` of scored crops, marked with their perturbation and level."""
    return video_scores(crops).assign(perturbation=name, level=np.nan if level is None else level)


def stored_crops(
    store: Path, keys: Mapping[str, str]
) -> tuple[pd.DataFrame, npt.NDArray[np.uint8]] | None:
    """Return the crops that videos have in a store, or None where not one has any.

    Args:
        store: Where ``dfd.faces.store`` keeps results.
        keys: The key of each video's result.

    Returns:
        One row per crop (``video``, ``frame``, ``track``), and uint8 (N, S, S, 3) RGB.

    Raises:
        FacesError: A result is not there.
    """
    rows, images = [], []
    for video, key in keys.items():
        faces = read_video_faces(store, key)
        if faces is None:
            raise FacesError(f"{store}: the result of {video!r} is gone; run the stage again")
        for crop in faces.crops:
            rows.append((video, crop.frame, crop.track))
            pixels = np.frombuffer(crop.jpeg, np.uint8)
            images.append(np.asarray(cv2.imdecode(pixels, cv2.IMREAD_COLOR_RGB), np.uint8))
    if not rows:
        return None
    return pd.DataFrame(rows, columns=["video", "frame", "track"]), np.stack(images)


def robustness_table(scores: pd.DataFrame, videos: int, params: EvaluateParams) -> pd.DataFrame:
    """Judge every level of every perturbation against the clean scores.

    Args:
        scores: As from ``level_scores``, of the clean crops and all levels, in one table.
        videos: Number of videos in the test part, those without a crop included.
        params: Of the bootstrap.

    Returns:
        One row for the clean videos (``level`` missing) and one per level, with ``COLUMNS``:
        ``videos`` scored, their AUC and its 95 % group-bootstrap interval, the paired difference to
        the clean AUC of the same videos and its interval, and ``coverage``, the share of the test
        videos that have a crop. Figures are missing where the videos left are of one class, and
        intervals also where ``bootstrap.why_no_interval`` says why.

    Raises:
        EvaluationError: As ``check_classes``, of the clean videos.
    """
    clean = scores[scores["perturbation"] == CLEAN].set_index("video")
    check_classes(clean)
    rows = [_row(CLEAN, None, "", clean, clean, videos, params)]
    for name, perturbation in PERTURBATIONS.items():
        for level in perturbation.levels:
            chosen = scores[(scores["perturbation"] == name) & (scores["level"] == level)]
            found = chosen.set_index("video")
            rows.append(_row(name, level, perturbation.unit, found, clean, videos, params))
    return pd.DataFrame(rows, columns=COLUMNS)


def as_record(table: pd.DataFrame, leaky: bool, given_up: Mapping[str, str]) -> dict[str, Any]:
    """Return the table as the nested mapping of ``metrics/<candidate>/robustness.json``.

    Args:
        table: As from ``robustness_table``.
        leaky: Whether the split let groups cross.
        given_up: Why a video could not be perturbed, by video; it counts as not covered.
    """
    record: dict[str, Any] = {"leaky": leaky, "given_up": dict(given_up)}
    for row in table.astype(object).where(table.notna(), None).to_dict("records"):
        name, level = row.pop("perturbation"), row.pop("level")
        del row["unit"]
        if level is None:
            record[name] = row
        else:
            record.setdefault(name, {})[f"{level:g}"] = row
    return record


def _row(
    name: str,
    level: float | None,
    unit: str,
    found: pd.DataFrame,
    clean: pd.DataFrame,
    videos: int,
    params: EvaluateParams,
) -> tuple[Any, ...]:
    value = auc(found["label"], found["score"]) if len(found) else None
    interval = auc_interval(found, params.bootstrap, params.seed) if len(found) else None
    ends = (interval.low, interval.high) if interval else (None, None)
    paired = found.join(clean["score"].rename("clean"), how="inner")
    change = _paired_difference(paired, params)
    return (name, level, unit, len(found), value, *ends, *change, len(found) / videos)


def _paired_difference(
    videos: pd.DataFrame, params: EvaluateParams
) -> tuple[float | None, float | None, float | None]:
    """Return the AUC of ``score`` less that of ``clean``, and the ends of its 95 % interval.

    Args:
        videos: Columns ``group``, ``label``, ``score`` and ``clean``, one row a video.
        params: Of the bootstrap.
    """
    if videos["label"].nunique() < len(LABELS):
        return None, None, None
    now, before = auc_statistic(videos, videos["score"]), auc_statistic(videos, videos["clean"])
    value, drawn = difference(videos, now, before, params.bootstrap, params.seed)
    if why_no_interval(videos):
        return value, None, None
    interval = interval_of_mean(value, drawn, videos["group"].nunique())
    return value, interval.low, interval.high
