"""Robustness table: the video AUC at every level of every perturbation.

The AUC at each level is compared with the clean AUC, of the unperturbed videos. Both AUCs are
computed on the same bootstrap resamples (a paired difference), so what makes a group easy or hard
cancels out. Where a perturbation leaves a video without a crop, the coverage falls, and the
difference is taken over the videos that have a crop before and after.
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
from dfd.params.evaluation import EvaluateParams
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
    """Raise an error if the test part has no AUC.

    Args:
        test: Unperturbed crops or videos of the test part, one per row, with the column ``label``.

    Raises:
        EvaluationError: There is only one class, or no row.
    """
    labels = sorted(set(test["label"]))
    if len(labels) < len(LABELS):
        crops = f"a crop of {labels[0]} videos alone" if labels else "no crop"
        raise EvaluationError(
            f"robustness: the test part has {crops}, and an AUC needs REAL and FAKE; see the "
            "reasons in data/faces/manifest.parquet, or change split.fractions or split.seed in "
            "params.yaml"
        )


def level_scores(crops: pd.DataFrame, name: str, level: float | None = None) -> pd.DataFrame:
    """Return the score of every video at one level of a perturbation.

    Args:
        crops: One row per crop, with the columns ``video``, ``track``, ``label``, ``group`` and
            ``score`` (P(FAKE), 0..1).
        name: Name of the perturbation, or ``CLEAN``.
        level: The level; None for the unperturbed crops.

    Returns:
        The result of ``dfd.scoring.aggregate.video_scores``, with the columns ``perturbation`` and
        ``level`` added.
    """
    return video_scores(crops).assign(perturbation=name, level=np.nan if level is None else level)


def stored_crops(
    store: Path, keys: Mapping[str, str]
) -> tuple[pd.DataFrame, npt.NDArray[np.uint8]] | None:
    """Return the crops of videos from the store of extracted faces, or None if there are none.

    Args:
        store: Folder in which extracted faces are kept.
        keys: The key of each video's faces in the store, by video.

    Returns:
        A table with one row per crop (``video``, ``frame``, ``track``), and the pixels of the crops
        in the same order, uint8 (N, S, S, 3), RGB.

    Raises:
        FacesError: The faces of a video are missing.
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
    """Return the video AUC at every level of every perturbation, compared with the clean AUC.

    Args:
        scores: Video scores of the unperturbed videos and of all levels, in one table; each part is
            a result of ``level_scores``.
        videos: Number of videos of the test part, including those without a crop.
        params: Number and seed of the bootstrap resamples.

    Returns:
        One row for the unperturbed videos (with ``level`` missing) and one per level, with the
        columns ``COLUMNS``: ``videos`` is the number of videos with a score, ``auc`` their AUC with
        its 95 % interval, ``difference`` the paired difference to the clean AUC of the same videos
        with its 95 % interval, and ``coverage`` the share of the test videos that have a crop. AUC
        and difference are missing where only one class is left; intervals are missing where
        ``dfd.scoring.bootstrap.why_no_interval`` gives a reason.

    Raises:
        EvaluationError: The unperturbed videos have only one class, or there are none.

    Example:
        Twelve groups of a real video and its fake; a blur of 4 pixels makes all scores equal:

        >>> import pandas as pd
        >>> from dfd.params.evaluation import EvaluateParams
        >>> from dfd.robustness.table import CLEAN, level_scores, robustness_table
        >>> crops = pd.DataFrame({"video": range(24), "track": 0, "label": ["REAL", "FAKE"] * 12})
        >>> crops = crops.assign(group=crops["video"] // 2, score=[0.1, 0.9] * 12)
        >>> blurred = level_scores(crops.assign(score=0.5), "blur", 4)
        >>> params = EvaluateParams(bootstrap=100, seed=1)
        >>> scores = pd.concat([level_scores(crops, CLEAN), blurred])
        >>> table = robustness_table(scores, videos=24, params=params)
        >>> rows = table[table["videos"] > 0]
        >>> rows[["perturbation", "auc", "difference"]].values.tolist()
        [['clean', 1.0, 0.0], ['blur', 0.5, -0.5]]
    """
    clean = scores[scores["perturbation"] == CLEAN].set_index("video")
    check_classes(clean)
    rows = [_row(CLEAN, None, "", clean, clean, videos, params)]
    for name, perturbation in PERTURBATIONS.items():
        for level in perturbation.levels:
            chosen = scores[(scores["perturbation"] == name) & (scores["level"] == level)]
            scored = chosen.set_index("video")
            rows.append(_row(name, level, perturbation.unit, scored, clean, videos, params))
    return pd.DataFrame(rows, columns=COLUMNS)


def as_record(table: pd.DataFrame, leaky: bool, given_up: Mapping[str, str]) -> dict[str, Any]:
    """Return the content of ``metrics/<candidate>/robustness.json``.

    Args:
        table: The result of ``robustness_table``.
        leaky: Whether the split let videos of one group lie in several parts.
        given_up: The videos that could not be perturbed, each with the reason.

    Returns:
        A nested mapping of numbers, texts and None, which JSON can hold.
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
    scored: pd.DataFrame,
    clean: pd.DataFrame,
    videos: int,
    params: EvaluateParams,
) -> tuple[Any, ...]:
    value = auc(scored["label"], scored["score"]) if len(scored) else None
    interval = auc_interval(scored, params.bootstrap, params.seed) if len(scored) else None
    ends = (interval.low, interval.high) if interval else (None, None)
    paired = scored.join(clean["score"].rename("clean"), how="inner")
    change = _paired_difference(paired, params)
    return (name, level, unit, len(scored), value, *ends, *change, len(scored) / videos)


def _paired_difference(
    videos: pd.DataFrame, params: EvaluateParams
) -> tuple[float | None, float | None, float | None]:
    """Return the AUC of ``score`` minus that of ``clean``, and the ends of its 95 % interval.

    Args:
        videos: One row per video, with the columns ``group``, ``label``, ``score`` and ``clean``.
        params: Number and seed of the bootstrap resamples.
    """
    if videos["label"].nunique() < len(LABELS):
        return None, None, None
    perturbed = auc_statistic(videos, videos["score"])
    clean = auc_statistic(videos, videos["clean"])
    value, resampled = difference(videos, perturbed, clean, params.bootstrap, params.seed)
    if why_no_interval(videos):
        return value, None, None
    interval = interval_of_mean(value, resampled, videos["group"].nunique())
    return value, interval.low, interval.high
