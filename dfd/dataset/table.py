"""The index of a data set, ``data/videos.csv``: reading it, and features from its columns."""

from pathlib import Path

import numpy as np
import pandas as pd

from dfd.files import read_table

COLUMNS = (
    *("video", "label", "source", "group", "method", "part", "dataset", "synthetic"),
    *("sha256", "bytes", "duration", "width", "height", "fps", "phash"),
    *("frame_hashes", "face_hashes"),
)
FEATURES = ("bytes", "bit_rate", "duration", "width", "height", "fps")


def read_index(path: Path) -> pd.DataFrame:
    """Read the index of a data set.

    Args:
        path: The CSV file, usually ``data/videos.csv``.

    Returns:
        One row per video, with at least the columns of ``COLUMNS``.

    Raises:
        DatasetError: The file is missing or lacks a column.
    """
    return read_table(path, COLUMNS, "dvc repro dataset")


def container_features(index: pd.DataFrame) -> pd.DataFrame:
    """Return the properties of each video file as features of a model that sees no picture.

    If such a model can tell REAL from FAKE, so can a detector without learning about forgeries.
    Sizes, rates and lengths are logarithms, since their ratios matter.

    Args:
        index: One row per video, with the columns ``bytes``, ``duration`` (seconds), ``width``,
            ``height`` (pixels) and ``fps``.

    Returns:
        float64 columns of ``FEATURES`` with the rows of ``index``. A row is all NaN where the file
        cannot be read as a video or lacks one of the properties.

    Example:
        >>> row = {"bytes": 1000.0, "duration": 10, "width": 640, "height": 360, "fps": 25}
        >>> np.exp(container_features(pd.DataFrame([row]))).round().to_dict("records")
        [{'bytes': 1000.0, 'bit_rate': 100.0, 'duration': 10.0, 'width': 640.0, 'height': 360.0,
          'fps': 25.0}]
    """
    facts = index[["bytes", "duration", "width", "height", "fps"]].astype("float64")
    facts = facts.where(facts > 0)
    features = facts.assign(bit_rate=facts["bytes"] / facts["duration"]).transform(np.log)
    features.loc[features.isna().any(axis=1), :] = np.nan
    return features[list(FEATURES)]
