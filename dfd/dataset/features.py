"""What a video's container says, as numbers."""

import numpy as np
import pandas as pd

FEATURES = ("bytes", "bit_rate", "duration", "width", "height", "fps")


def container_features(index: pd.DataFrame) -> pd.DataFrame:
    """Return what the container says of each video, as features of a model that sees no picture.

    Sizes, rates and lengths are logarithms, since their ratios count.

    Args:
        index: Columns ``bytes``, ``duration`` (seconds), ``width``, ``height`` (pixels) and
            ``fps``.

    Returns:
        float64 columns of ``FEATURES`` with the rows of ``index``; a whole row is NaN where a file
        cannot be read as a video or does not say all of it.
    """
    facts = index[["bytes", "duration", "width", "height", "fps"]].astype("float64")
    facts = facts.where(facts > 0)
    features = facts.assign(bit_rate=facts["bytes"] / facts["duration"]).transform(np.log)
    features.loc[features.isna().any(axis=1), :] = np.nan
    return features[list(FEATURES)]
