"""Reading the data set's CSV tables."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from dfd.errors import DatasetError

# Or pandas would read some of them as numbers.
_TEXT = dict.fromkeys(("video", "source", "method", "group", "part", "sha256", "phash"), str)


def read_table(path: Path, columns: Sequence[str], remedy: str) -> pd.DataFrame:
    """Return a CSV of the data set's with at least ``columns``.

    Raises:
        DatasetError: The file is missing or lacks a column; ``remedy`` is the command to run.
    """
    try:
        table = pd.read_csv(path, dtype=_TEXT)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be read ({error}); run `{remedy}`") from error
    lacking = [column for column in columns if column not in table.columns]
    if lacking:
        raise DatasetError(f"{path}: has no column {lacking[0]!r}; run `{remedy}`")
    return table
