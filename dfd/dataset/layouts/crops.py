"""Ready-made face crops, labelled by a table that names their files."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from dfd.dataset.layouts.lists import read_text
from dfd.dataset.layouts.videos import LabelledVideo, video_id
from dfd.errors import DatasetError
from dfd.labels import LABELS

_COLUMNS = ("file", "label", "source")


def recognise(folder: Path) -> bool:
    """Return whether the folder holds one table with the columns ``file, label, source``."""
    return len(_tables(folder)) == 1


def read(folder: Path) -> list[LabelledVideo]:
    """Read the table of crops: the one ``.csv`` file with the columns ``file, label, source``.

    ``file`` is a path below the folder and ``label`` is ``REAL`` or ``FAKE``. ``source`` is the
    ``file`` of the crop that a fake was made from, and may be empty. Other columns are ignored.

    Args:
        folder: The folder that holds the table.

    Raises:
        DatasetError: There is no such table, or there are several; it is not a CSV file, has a
            wrong label, or names a file that does not exist or one file twice.
    """
    tables = _tables(folder)
    if len(tables) != 1:
        raise DatasetError(
            f"{folder}: must hold one .csv file with the columns {', '.join(_COLUMNS)}, but has "
            f"{len(tables)}; mend it, or set dataset.layout in params.yaml"
        )
    crops: dict[str, LabelledVideo] = {}
    for where, row in _rows(tables[0]):
        crop = _labelled(where, folder, row)
        if crop.video in crops:
            raise DatasetError(f"{where}: {crop.video!r} is in the table twice; a crop is one row")
        crops[crop.video] = crop
    return list(crops.values())


def _tables(folder: Path) -> list[Path]:
    def columns(table: Path) -> list[str]:
        with table.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            return [cell.strip() for cell in next(csv.reader([file.readline(10_000)]), [])]

    tables = sorted(path for path in folder.glob("*.csv") if path.is_file())
    return [table for table in tables if set(_COLUMNS) <= set(columns(table))]


def _rows(table: Path) -> Iterator[tuple[str, dict[str, str]]]:
    rows = csv.DictReader(io.StringIO(read_text(table), newline=""), strict=True, restval="")
    try:
        for row in rows:
            where = f"{table}, line {rows.line_num}"
            yield where, {column: row[column].strip() for column in _COLUMNS}
    except csv.Error as error:
        raise DatasetError(f"{table}, line {rows.line_num}: no CSV ({error}); mend it") from error


def _labelled(where: str, folder: Path, row: dict[str, str]) -> LabelledVideo:
    if row["label"] not in LABELS:
        raise DatasetError(f"{where}: the label is {row['label']!r}; it must be REAL or FAKE")
    path = folder / row["file"]
    if not row["file"] or not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise DatasetError(
            f"{where}: {row['file']!r} is no file below {folder}; mend the path or drop the row"
        )
    return LabelledVideo(path, video_id(path, folder), row["label"], source=row["source"] or None)
