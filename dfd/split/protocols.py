"""Dividing videos into parts so that no group is on two sides.

Frames of one video, or videos of one person, on both sides let any model score near 100 % without
learning anything (Kaufman et al., *Leakage in Data Mining*, 2012).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dfd.errors import SplitError
from dfd.labels import LABELS, PARTS
from dfd.params.data import SplitParams
from dfd.split.table import FRAME_PART


def make_split(videos: pd.DataFrame, params: SplitParams) -> pd.DataFrame:
    """Return the part of every video, under one of three protocols.

    ``group`` deals whole groups into all parts: none crosses.

    ``official`` follows the parts the data set states, so that figures can be laid beside published
    ones. Where it states no validation part (Celeb-DF), whole groups of its training videos are
    dealt into train and validation, in the proportion of their fractions: the threshold never
    comes from the test part. An official split may let groups cross all the same: the celebrities
    of Celeb-DF's test list are in its training videos too. It is followed, as mending it would give
    another split than the one that others report, but it is a leak like any: ``leaks`` says so, and
    everything made from it is marked.

    ``frame`` leaves the part to be drawn per frame, by ``assign_parts``.

    Args:
        videos: Columns ``video``, ``source``, ``group`` and ``label``; for ``official`` also
            ``part``.
        params: Protocol, seed and fractions.

    Returns:
        Columns of ``COLUMNS``, sorted by video.

    Raises:
        SplitError: A part would lack one class, or the data set states no part for some video.
    """
    videos = videos.sort_values("video", ignore_index=True)
    split = videos[["video", "source", "group", "label"]]
    if params.protocol == "frame":
        return split.assign(part=FRAME_PART)
    if params.protocol == "official":
        split = split.assign(part=_official_parts(videos, params))
    else:
        split = split.assign(part=_deal(split, PARTS, params))
    _check_classes(split, params)
    return split


def _official_parts(videos: pd.DataFrame, params: SplitParams) -> pd.Series:
    stated = videos["part"]
    lacking = videos.loc[stated.isna(), "video"]
    if len(lacking):
        raise SplitError(
            f"split: the data set states no official part for {len(lacking)} of {len(videos)} "
            f"videos, the first is {lacking.iloc[0]!r}; add its lists (docs/datasets.md) or take "
            "these videos out, or set split.protocol: group in params.yaml"
        )
    if (stated == "validation").any():
        return stated
    training = videos[stated == "train"]
    return stated.mask(stated == "train", _deal(training, PARTS[:2], params))


def _deal(videos: pd.DataFrame, parts: Sequence[str], params: SplitParams) -> pd.Series:
    """Return the part of every video, by group, stratified by label.

    Groups are dealt from the largest to the smallest, equals in a seeded order, each to the part
    that lacks most of what the group holds; a class counts by its share, so the rare one is spread
    as evenly as the common one. The fractions of ``parts`` are scaled to add up to one.
    """
    counts = pd.crosstab(videos["group"], videos["label"]).reindex(
        columns=list(LABELS), fill_value=0
    )
    rng = np.random.default_rng(params.seed)
    order = sorted(zip(-counts.sum(axis=1), rng.random(len(counts)), counts.index, strict=True))
    totals = np.maximum(counts.sum().to_numpy(dtype=float), 1)
    fractions = np.array([getattr(params.fractions, part) for part in parts])
    wanted = (fractions / fractions.sum())[:, None] * totals
    held = np.zeros_like(wanted)
    part_of: dict[str, str] = {}
    for _, _, group in order:
        holds = counts.loc[group].to_numpy(dtype=float)
        lack = ((wanted - held) / totals * (holds / totals)).sum(axis=1)
        best = int(np.argmax(lack))
        held[best] += holds
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
