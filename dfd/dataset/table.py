"""The index of a data set as a table, ``data/videos.csv``: one row per video."""

from pathlib import Path

import pandas as pd

from dfd.files import read_table

COLUMNS = (
    *("video", "label", "source", "group", "method", "part", "dataset"),
    *("sha256", "bytes", "duration", "width", "height", "fps", "phash"),
)


def read_index(path: Path) -> pd.DataFrame:
    """Return the index.

    Raises:
        DatasetError: The file is missing or lacks a column.
    """
    return read_table(path, COLUMNS, "dvc repro dataset")
