"""Dividing videos into parts so that no group is on two sides.

Frames of one video, or videos of one person, on both sides let any model score near 100 % without
learning anything (Kaufman et al., *Leakage in Data Mining*, 2012).
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dfd.dataset.tables import read_table
from dfd.errors import SplitError
from dfd.labels import LABELS
from dfd.params import SplitParams

PARTS = ("train", "validation", "test")
FRAME_PART = "frame"  # protocol `frame`: the part is drawn per frame, so a video is on all sides
COLUMNS = ("video", "source", "group", "label", "part")


def make_split(videos: pd.DataFrame, params: SplitParams) -> pd.DataFrame:
    """Return the part of every video, by group, stratified by label.

    Groups are dealt from the largest to the smallest, equals in a seeded order, each to the part
    that lacks most of what the group holds; a class counts by its share, so the rare one is spread
    as evenly as the common one.

    Args:
        videos: Columns ``video``, ``source``, ``group`` and ``label``.
        params: Protocol, seed and fractions.

    Returns:
        Columns of ``COLUMNS``, sorted by video.

    Raises:
        SplitError: A part would lack one class.
    """
    split = videos[["video", "source", "group", "label"]].sort_values("video", ignore_index=True)
    if params.protocol == "frame":
        return split.assign(part=FRAME_PART)
    counts = pd.crosstab(split["group"], split["label"]).reindex(columns=list(LABELS), fill_value=0)
    rng = np.random.default_rng(params.seed)
    order = sorted(zip(-counts.sum(axis=1), rng.random(len(counts)), counts.index, strict=True))
    totals = np.maximum(counts.sum().to_numpy(dtype=float), 1)
    wanted = np.array([getattr(params.fractions, part) for part in PARTS])[:, None] * totals
    held = np.zeros_like(wanted)
    part_of: dict[str, str] = {}
    for _, _, group in order:
        holds = counts.loc[group].to_numpy(dtype=float)
        lack = ((wanted - held) / totals * (holds / totals)).sum(axis=1)
        best = int(np.argmax(lack))
        held[best] += holds
        part_of[group] = PARTS[best]
    split = split.assign(part=split["group"].map(part_of))
    _check_classes(split)
    return split


def _check_classes(split: pd.DataFrame) -> None:
    for part in PARTS:
        for label in LABELS:
            if not ((split["part"] == part) & (split["label"] == label)).any():
                raise SplitError(
                    f"split: the part {part!r} would hold no {label} video "
                    f"({split['group'].nunique()} groups in all); add videos, or change "
                    "split.fractions or split.seed in params.yaml"
                )


def summarise(split: pd.DataFrame, params: SplitParams) -> dict[str, Any]:
    """Return the counts of videos and groups per part and class, for ``metrics/split.json``.

    Raises:
        SplitError: A group lies in more than one part.
    """
    parts_per_group = split.groupby("group")["part"].nunique()
    if (parts_per_group > 1).any():
        raise SplitError(
            f"split: the group {parts_per_group.idxmax()!r} lies in more than one part; "
            "run `dvc repro split`"
        )
    parts = {
        part: {
            "videos": len(rows),
            "groups": int(rows["group"].nunique()),
            "REAL": int((rows["label"] == "REAL").sum()),
            "FAKE": int((rows["label"] == "FAKE").sum()),
        }
        for part, rows in split.groupby("part", sort=False)
    }
    return {
        "protocol": params.protocol,
        "leaky": params.leaky,
        "groups_crossing": "all" if params.leaky else 0,
        "majority_accuracy": float(split["label"].value_counts(normalize=True).max()),
        "parts": {part: parts[part] for part in (*PARTS, FRAME_PART) if part in parts},
    }


def assign_parts(crops: pd.DataFrame, split: pd.DataFrame, params: SplitParams) -> pd.DataFrame:
    """Return the crops with the ``source``, ``label``, ``group`` and ``part`` of their video.

    Under the protocol ``frame`` a seeded hash of video and frame draws the part.

    Args:
        crops: Columns ``video`` and ``frame``, one row a crop.
        split: As from ``make_split``.
        params: As given to ``make_split``.

    Raises:
        SplitError: A crop's video is not in the split.
    """
    joined = crops.merge(split[list(COLUMNS)], on="video", how="left", validate="many_to_one")
    if joined["part"].isna().any():
        video = joined.loc[joined["part"].isna(), "video"].iloc[0]
        raise SplitError(f"split: {video!r} has crops but no part; run `dvc repro split`")
    if params.protocol == "group":
        return joined
    bounds = np.cumsum([getattr(params.fractions, part) for part in PARTS])[:-1]
    draws = [_draw(params.seed, *key) for key in zip(crops["video"], crops["frame"], strict=True)]
    return joined.assign(part=np.array(PARTS)[np.searchsorted(bounds, draws)])


def _draw(seed: int, video: str, frame: int) -> float:
    digest = hashlib.sha256(f"{seed}/{video}/{frame}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def read_split(path: Path) -> pd.DataFrame:
    """Return the split.

    Raises:
        DatasetError: The file is missing or lacks a column.
    """
    return read_table(path, COLUMNS, "dvc repro split")
