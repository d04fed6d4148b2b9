"""The split as a table: the part of every video, and what follows from it for crops."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dfd.errors import SplitError
from dfd.files import read_table
from dfd.labels import PARTS
from dfd.params.data import SplitParams

FRAME_PART = "frame"  # protocol `frame`: the part is drawn per frame, so a video is on all sides


COLUMNS = ("video", "source", "group", "label", "part")


def summarise(split: pd.DataFrame, params: SplitParams) -> dict[str, Any]:
    """Return the counts of videos and groups per part and class, for ``metrics/split.json``.

    ``groups_crossing`` is the number of groups with videos in more than one part, or ``all`` where
    the part is drawn per frame; ``leaky`` is true unless it is 0.

    Raises:
        SplitError: A group lies in more than one part under the protocol ``group``.
    """
    crossing = _crossing(split)
    if len(crossing) and params.protocol == "group":
        raise SplitError(
            f"split: the group {crossing[0]!r} lies in more than one part; run `dvc repro split`"
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
        "leaky": leaks(split),
        "groups_crossing": "all" if params.protocol == "frame" else len(crossing),
        "majority_accuracy": float(split["label"].value_counts(normalize=True).max()),
        "parts": {part: parts[part] for part in (*PARTS, FRAME_PART) if part in parts},
    }


def leaks(split: pd.DataFrame) -> bool:
    """Return whether a group may be on two sides, so that no figure of this split can be believed.

    Args:
        split: As from ``make_split``.
    """
    return bool((split["part"] == FRAME_PART).any() or _crossing(split))


def _crossing(split: pd.DataFrame) -> list[str]:
    parts_per_group = split.groupby("group")["part"].nunique()
    return parts_per_group.index[parts_per_group > 1].tolist()


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
    if params.protocol != "frame":
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
