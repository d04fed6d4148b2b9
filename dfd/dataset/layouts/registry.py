"""The table of layouts. A new data set is a module with two functions, and a line here."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dfd.dataset.layouts import celebdf, csv_table, deeperforensics, dfdc, faceforensics, ffiw
from dfd.dataset.layouts import folder as folders
from dfd.dataset.layouts.files import count_entries
from dfd.dataset.layouts.labelled import LabelledVideo
from dfd.errors import DatasetError


@dataclass(frozen=True)
class Layout:
    """How one kind of data set is read.

    Attributes:
        read: Returns the labelled videos of a folder; raises ``DatasetError``.
        recognise: Whether a folder looks like this data set.
    """

    read: Callable[[Path], list[LabelledVideo]]
    recognise: Callable[[Path], bool]


LAYOUTS: dict[str, Layout] = {
    "dfdc": Layout(dfdc.read, dfdc.recognise),
    "folder": Layout(folders.read, folders.recognise),
    **{
        f"faceforensics-{compression}": Layout(
            partial(faceforensics.read, compression=compression),
            partial(faceforensics.recognise, compression=compression),
        )
        for compression in faceforensics.COMPRESSIONS
    },
    "celebdf": Layout(celebdf.read, celebdf.recognise),
    "deeperforensics": Layout(deeperforensics.read, deeperforensics.recognise),
    "ffiw": Layout(ffiw.read, ffiw.recognise),
    "csv": Layout(csv_table.read, csv_table.recognise),
}


def read_layout(folder: Path, layout: str) -> list[LabelledVideo]:
    """Return the labelled videos of ``folder``, sorted by id.

    Args:
        folder: The data set's folder.
        layout: A key of ``LAYOUTS``.

    Raises:
        DatasetError: There is no such layout; the folder is missing or unreadable, holds no video,
            lacks a file of its data set, or its labels are wrong.
    """
    if layout not in LAYOUTS:
        raise DatasetError(
            f"dataset.layout: no layout {layout!r}; there are {', '.join(LAYOUTS)}; "
            "change params.yaml"
        )
    entries = count_entries(folder, "set dataset.videos in params.yaml to your folder of videos")
    videos = sorted(LAYOUTS[layout].read(folder), key=lambda video: video.video)
    if not videos:
        raise DatasetError(
            f"{folder}: no video in it ({entries} entries) under the layout {layout!r}; "
            "check dataset.videos and dataset.layout in params.yaml"
        )
    return videos


def recognise_layout(folder: Path) -> str:
    """Return the one layout that ``folder`` looks like.

    Raises:
        DatasetError: The folder cannot be listed, or looks like none or several.
    """
    count_entries(folder, "name your folder of videos")
    found = [name for name, layout in LAYOUTS.items() if layout.recognise(folder)]
    if not found:
        raise DatasetError(
            f"{folder}: looks like no data set known here (docs/datasets.md lists them); "
            "put videos below folders named REAL and FAKE, or name their labels in a videos.csv"
        )
    if len(found) > 1:
        raise DatasetError(f"{folder}: could be {', '.join(found)}; choose one with --layout")
    return found[0]
