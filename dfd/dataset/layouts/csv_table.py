"""Videos of any origin, labelled by the table ``videos.csv`` in the folder of the data set."""

import csv
import io
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from dfd.dataset.layouts.lists import read_text
from dfd.dataset.layouts.videos import LabelledVideo
from dfd.errors import DatasetError
from dfd.labels import LABELS, PARTS
from dfd.video.stills import frame_files

TABLE = "videos.csv"
_REQUIRED = ("path", "label")
_COLUMNS = (*_REQUIRED, "source", "method", "donor", "group", "part")


def recognise(folder: Path) -> bool:
    """Return whether the folder holds a ``videos.csv``."""
    return (folder / TABLE).is_file()


def read(folder: Path) -> list[LabelledVideo]:
    """Read the table ``videos.csv``.

    Its first line names the columns, in any order. ``path`` and ``label`` (``REAL`` or ``FAKE``)
    are required; ``source``, ``method``, ``donor``, ``group`` and ``part`` are optional, and so are
    their cells. A path is absolute or relative to the folder. A video may lie outside the folder,
    but DVC does not notice when it changes. ``source`` and ``donor`` hold paths as in the column
    ``path``, or names. Rows with the same ``group``, source or donor are never split. ``part`` is
    ``train``, ``validation`` or ``test``.

    Args:
        folder: The folder that holds the table.

    Raises:
        DatasetError: The table is missing, is not a CSV file, lacks or repeats a column, has a
            wrong label or part, or names a file that does not exist or one file twice.
    """
    table = folder / TABLE
    if not table.is_file():
        raise DatasetError(
            f"{table}: does not exist; write one with the columns {', '.join(_COLUMNS)}, or set "
            "dataset.layout in params.yaml"
        )
    rows = csv.reader(io.StringIO(read_text(table), newline=""), strict=True)
    videos: dict[str, LabelledVideo] = {}
    lines: dict[str, int] = {}
    try:
        columns = _check_header(table, next(rows, []))
        for cells in rows:
            if not cells:
                continue
            where = f"{table}, line {rows.line_num}"
            if len(cells) != len(columns):
                raise DatasetError(f"{where}: {len(cells)} cells under {len(columns)} columns")
            row = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
            video = _labelled(where, folder, row)
            if video.video in lines:
                raise DatasetError(
                    f"{where}: {row['path']!r} is in line {lines[video.video]} already; a video is "
                    "one row"
                )
            lines[video.video], videos[video.video] = rows.line_num, video
    except csv.Error as error:
        raise DatasetError(f"{table}, line {rows.line_num}: no CSV ({error}); mend it") from error
    return list(videos.values())


def _check_header(table: Path, cells: list[str]) -> list[str]:
    columns = [cell.strip() for cell in cells]
    for column in _REQUIRED:
        if column not in columns:
            raise DatasetError(f"{table}: has no column {column!r}; its first line must name it")
    for column in columns:
        if column not in _COLUMNS or columns.count(column) > 1:
            problem = "is there twice" if column in _COLUMNS else "is unknown"
            raise DatasetError(
                f"{table}: the column {column!r} {problem}; there are {', '.join(_COLUMNS)}"
            )
    return columns


def _labelled(where: str, folder: Path, row: Mapping[str, str]) -> LabelledVideo:
    if row["label"] not in LABELS:
        raise DatasetError(f"{where}: the label is {row['label']!r}; it must be REAL or FAKE")
    if row.get("part") and row["part"] not in PARTS:
        raise DatasetError(
            f"{where}: the part is {row['part']!r}; it must be {', '.join(PARTS)} or empty"
        )
    path = folder / row["path"]
    if not row["path"] or not (path.is_file() or frame_files(path)):
        raise DatasetError(
            f"{where}: {row['path']!r} is neither a file nor a folder of frames; mend the path or "
            "drop the row"
        )
    return LabelledVideo(
        path=path,
        video=_video_id(folder, row["path"]),
        label=row["label"],
        source=_video_id(folder, row["source"]) if row.get("source") else None,
        donor=_video_id(folder, row["donor"]) if row.get("donor") else None,
        method=row.get("method") or None,
        person=row.get("group") or None,
        part=row.get("part") or None,
    )


def _video_id(folder: Path, path: str) -> str:
    """Return the id of a video: the same for every way to write its path.

    A video outside the folder gets an id below ``outside``, so that it can be placed in any folder.
    """
    base = Path(os.path.abspath(folder))
    absolute = Path(os.path.normpath(base / path))
    if absolute.is_relative_to(base):
        return absolute.relative_to(base).as_posix()
    return PurePosixPath("outside", *absolute.parts[1:]).as_posix()
