"""AUC within groups: each fake against its own source.

Identity, scene and encoding of a pair are the same, so that only the forgery can tell them apart.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dfd.scoring.bootstrap import MIN_GROUPS, Interval, draws, interval_of_rate
from dfd.scoring.metrics import Values


@dataclass(frozen=True)
class WithinGroups:
    """The share of pairs in which the fake scores above its own source, a tie counted half."""

    auc: float
    interval: Interval | None
    pairs: int


def within_groups(videos: pd.DataFrame, resamples: int, seed: int) -> WithinGroups | None:
    """Return the AUC within groups, or None where no fake has its source beside it.

    Args:
        videos: Columns ``video``, ``source``, ``group``, ``label`` and ``score``.
        resamples: Number of draws of the groups.
        seed: Seed of the draws.
    """
    reals = videos.loc[videos["label"] == "REAL", ["video", "score"]]
    pairs = videos[videos["label"] == "FAKE"].merge(
        reals, left_on="source", right_on="video", suffixes=("", "_of_source")
    )
    if pairs.empty:
        return None
    gap = pairs["score"] - pairs["score_of_source"]
    won = np.where(gap > 0, 1.0, np.where(gap == 0, 0.5, 0.0))
    groups = pairs["group"].nunique()
    interval = None
    if groups >= MIN_GROUPS:
        values: list[Values] = [
            w @ won / w.sum(axis=1) for w in draws(pairs["group"], resamples, seed)
        ]
        interval = interval_of_rate(float(won.mean()), np.concatenate(values), groups)
    return WithinGroups(float(won.mean()), interval, len(pairs))
