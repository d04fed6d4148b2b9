"""The split as a table, ``data/split.csv``: the part of every video, and of its crops."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dfd.errors import SplitError
from dfd.files import read_table
from dfd.labels import PARTS
from dfd.params.data import SplitParams

FRAME_PART = "frame"  # the part of every video under the protocol `frame`, which draws per frame
COLUMNS = ("video", "source", "group", "label", "part")


def summarise(split: pd.DataFrame, params: SplitParams) -> dict[str, Any]:
    """Count the videos and groups of each part, for ``metrics/split.json``.

    Args:
        split: The split, as ``make_split`` or ``read_split`` returns it.
        params: The parameters with which it was made.

    Returns:
        A dictionary that can be written as JSON. ``parts`` has the counts of each part,
        ``groups_crossing`` is the number of groups with videos in more than one part (``all`` under
        the protocol ``frame``), ``leaky`` is whether there are any, and ``majority_accuracy`` is
        the accuracy, 0..1, of always answering the more frequent class.

    Example:
        >>> split = pd.DataFrame(
        ...     {"group": ["a", "b", "b"], "label": ["REAL", "REAL", "FAKE"], "part": "test"}
        ... )
        >>> fractions = {"train": 0.5, "validation": 0.2, "test": 0.3}
        >>> params = SplitParams(protocol="group", seed=7, fractions=fractions)
        >>> summarise(split, params)["parts"]
        {'test': {'videos': 3, 'groups': 2, 'REAL': 2, 'FAKE': 1}}

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
    """Return whether the split leaks: a group has videos, or frames, in more than one part.

    No result on a split that leaks can be trusted.

    Args:
        split: The split, as ``make_split`` or ``read_split`` returns it.

    Example:
        >>> split = pd.DataFrame({"group": ["a", "a", "b"], "part": ["train", "test", "test"]})
        >>> leaks(split), leaks(split[1:])
        (True, False)
    """
    return bool((split["part"] == FRAME_PART).any() or _crossing(split))


def _crossing(split: pd.DataFrame) -> list[str]:
    """Return the names of the groups that have videos in more than one part."""
    parts_per_group = split.groupby("group")["part"].nunique()
    return parts_per_group.index[parts_per_group > 1].tolist()


def assign_parts(crops: pd.DataFrame, split: pd.DataFrame, params: SplitParams) -> pd.DataFrame:
    """Add the ``source``, ``label``, ``group`` and ``part`` of their video to crops.

    Under the protocol ``frame``, a hash of seed, video and frame draws the part of each crop.

    Args:
        crops: One row per crop, with the columns ``video`` and ``frame``.
        split: The split, as ``make_split`` or ``read_split`` returns it.
        params: The parameters with which it was made.

    Returns:
        The rows and columns of ``crops``, with the four columns added.

    Raises:
        SplitError: The video of a crop is not in the split.

    Example:
        >>> video = {"video": "a.mp4", "source": None, "group": "a", "label": "REAL"}
        >>> split = pd.DataFrame([{**video, "part": "test"}])
        >>> fractions = {"train": 0.5, "validation": 0.2, "test": 0.3}
        >>> params = SplitParams(protocol="group", seed=7, fractions=fractions)
        >>> crops = pd.DataFrame({"video": ["a.mp4", "a.mp4"], "frame": [0, 12]})
        >>> assign_parts(crops, split, params)[["frame", "label", "part"]]
           frame label  part
        0      0  REAL  test
        1     12  REAL  test
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
    """Return a number in [0, 1) that follows from the seed, the video and the frame."""
    digest = hashlib.sha256(f"{seed}/{video}/{frame}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def read_split(path: Path) -> pd.DataFrame:
    """Read a split.

    Args:
        path: The CSV file, usually ``data/split.csv``.

    Returns:
        One row per video, with at least the columns of ``COLUMNS``.

    Raises:
        DatasetError: The file is missing or lacks a column.
    """
    return read_table(path, COLUMNS, "dvc repro split")
