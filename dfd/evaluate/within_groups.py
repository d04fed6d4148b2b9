"""AUC within groups: each fake is compared with its own source alone.

Identity, scene and encoding are the same in both videos of such a pair, so only the forgery can
make their scores differ.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dfd.scoring.bootstrap import MIN_GROUPS, Interval, draws, interval_of_rate
from dfd.scoring.metrics import Values


@dataclass(frozen=True)
class WithinGroups:
    """The AUC within groups.

    Attributes:
        auc: Share of the pairs in which the fake scores higher than its source, 0..1; a tie counts
            half.
        interval: The 95 % interval of ``auc``; None where there are too few groups.
        pairs: Number of pairs of a fake and its source.
    """

    auc: float
    interval: Interval | None
    pairs: int


def within_groups(videos: pd.DataFrame, resamples: int, seed: int) -> WithinGroups | None:
    """Return the AUC within groups, or None where no fake has its source among the videos.

    Args:
        videos: One row per video, with the columns ``video``, ``source`` (the name of the video a
            fake was made from), ``group``, ``label`` and ``score`` (0..1).
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.

    Example:
        One fake scores higher than its source, the other lower:

        >>> import pandas as pd
        >>> from dfd.evaluate.within_groups import within_groups
        >>> videos = pd.DataFrame({"video": list("abcd"), "source": [None, "a", None, "c"]})
        >>> videos = videos.assign(group=list("aacc"), label=["REAL", "FAKE"] * 2)
        >>> within_groups(videos.assign(score=[0.1, 0.3, 0.8, 0.7]), resamples=100, seed=1)
        WithinGroups(auc=0.5, interval=None, pairs=2)
    """
    reals = videos.loc[videos["label"] == "REAL", ["video", "score"]]
    pairs = videos[videos["label"] == "FAKE"].merge(
        reals, left_on="source", right_on="video", suffixes=("", "_of_source")
    )
    if pairs.empty:
        return None
    gap = pairs["score"] - pairs["score_of_source"]
    higher = np.where(gap > 0, 1.0, np.where(gap == 0, 0.5, 0.0))
    auc = float(higher.mean())
    groups = pairs["group"].nunique()
    interval = None
    if groups >= MIN_GROUPS:
        resampled: list[Values] = [
            weights @ higher / weights.sum(axis=1)
            for weights in draws(pairs["group"], resamples, seed)
        ]
        interval = interval_of_rate(auc, np.concatenate(resampled), groups)
    return WithinGroups(auc, interval, len(pairs))
