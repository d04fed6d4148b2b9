"""Dividing videos into train, validation and test so that no group lies in two parts.

When frames of one video, or videos of one person, lie in two parts, any model scores near 100 %
without learning about forgeries (Kaufman et al., *Leakage in Data Mining*, 2012).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dfd.errors import SplitError
from dfd.labels import LABELS, PARTS
from dfd.params.data import SplitParams
from dfd.split.table import FRAME_PART


def make_split(videos: pd.DataFrame, params: SplitParams) -> pd.DataFrame:
    """Assign every video to a part, under one of three protocols.

    ``group`` assigns whole groups, so no group lies in two parts.

    ``official`` uses the parts that the data set states, so that results can be compared with
    published ones. Where the data set has no validation part (Celeb-DF), whole groups of its
    training videos are divided into train and validation, in the proportion of their fractions, so
    that the threshold is never chosen on the test part. An official split may leak: the celebrities
    in Celeb-DF's test videos are in its training videos too. It is used as it is, since another
    split could not be compared with published results, but ``leaks`` is true for it, and everything
    made from it is marked as leaky.

    ``frame`` assigns no part to a video: ``assign_parts`` draws a part for each frame. It leaks on
    purpose, to show how good a leaky evaluation looks.

    Args:
        videos: One row per video, with the columns ``video``, ``source``, ``group`` and ``label``;
            under ``official`` also ``part``.
        params: Protocol, seed and fractions.

    Returns:
        One row per video, sorted by id, with the columns ``video``, ``source``, ``group``,
        ``label`` and ``part``.

    Raises:
        SplitError: A part would have no video of a class, or the data set states no official part
            for a video.

    Example:
        >>> videos = pd.DataFrame({"video": [f"{number}.mp4" for number in range(12)]})
        >>> videos = videos.assign(source=None, group=videos["video"], label=["REAL", "FAKE"] * 6)
        >>> fractions = {"train": 0.5, "validation": 0.2, "test": 0.3}
        >>> params = SplitParams(protocol="group", seed=7, fractions=fractions)
        >>> make_split(videos, params)["part"].value_counts().to_dict()
        {'train': 6, 'test': 4, 'validation': 2}
    """
    videos = videos.sort_values("video", ignore_index=True)
    split = videos[["video", "source", "group", "label"]]
    if params.protocol == "frame":
        return split.assign(part=FRAME_PART)
    if params.protocol == "official":
        split = split.assign(part=_official_parts(videos, params))
    else:
        split = split.assign(part=_divide(split, PARTS, params))
    _check_classes(split, params)
    return split


def _official_parts(videos: pd.DataFrame, params: SplitParams) -> pd.Series:
    stated = videos["part"]
    unassigned = videos.loc[stated.isna(), "video"]
    if len(unassigned):
        raise SplitError(
            f"split: the data set states no official part for {len(unassigned)} of {len(videos)} "
            f"videos, the first is {unassigned.iloc[0]!r}; add its lists (docs/datasets.md) or "
            "take these videos out, or set split.protocol: group in params.yaml"
        )
    if (stated == "validation").any():
        return stated
    training = videos[stated == "train"]
    return stated.mask(stated == "train", _divide(training, PARTS[:2], params))


def _divide(videos: pd.DataFrame, parts: Sequence[str], params: SplitParams) -> pd.Series:
    """Return the part of every video: whole groups, stratified by label.

    Groups are assigned one by one, the largest first and groups of one size in a seeded order. Each
    goes to the part that lacks most of the videos that the group has. Videos of a class count by
    their share of the class, so that the rarer class is spread as evenly as the other one. The
    fractions of ``parts`` are scaled to add up to one.
    """
    counts = pd.crosstab(videos["group"], videos["label"]).reindex(
        columns=list(LABELS), fill_value=0
    )
    rng = np.random.default_rng(params.seed)
    order = sorted(zip(-counts.sum(axis=1), rng.random(len(counts)), counts.index, strict=True))
    totals = np.maximum(counts.sum().to_numpy(dtype=float), 1)
    fractions = np.array([getattr(params.fractions, part) for part in parts])
    wanted = (fractions / fractions.sum())[:, None] * totals
    assigned = np.zeros_like(wanted)
    part_of: dict[str, str] = {}
    for _, _, group in order:
        members = counts.loc[group].to_numpy(dtype=float)
        need = ((wanted - assigned) / totals * (members / totals)).sum(axis=1)
        best = int(np.argmax(need))
        assigned[best] += members
        part_of[group] = parts[best]
    return videos["group"].map(part_of)


def _check_classes(split: pd.DataFrame, params: SplitParams) -> None:
    official = params.protocol == "official"
    remedy = "set split.protocol: group" if official else "change split.fractions or split.seed"
    for part in PARTS:
        for label in LABELS:
            if not ((split["part"] == part) & (split["label"] == label)).any():
                raise SplitError(
                    f"split: the part {part!r} would hold no {label} video "
                    f"({split['group'].nunique()} groups in all); add videos, or {remedy} in "
                    "params.yaml"
                )
