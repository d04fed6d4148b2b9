"""The layouts: ways in which a folder of videos states its labels, one module each.

A new layout is a module with the functions ``read`` and ``recognise``, and a line in ``LAYOUTS``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dfd.dataset.layouts import (
    celebdf,
    crops,
    csv_table,
    deeperforensics,
    dfdc,
    dfdcp,
    faceforensics,
    ffiw,
)
from dfd.dataset.layouts import folder as folders
from dfd.dataset.layouts.videos import LabelledVideo, count_entries, list_unlabelled
from dfd.errors import DatasetError

__all__ = [
    "LAYOUTS",
    "LabelledVideo",
    "Layout",
    "list_unlabelled",
    "read_layout",
    "recognise_layout",
]


@dataclass(frozen=True)
class Layout:
    """How one kind of data set is read.

    Attributes:
        read: Returns the labelled videos of a folder; raises ``DatasetError``.
        recognise: Returns whether a folder has the files and folders that this layout expects.
        ready_made: Whether the files are crops of faces already.
    """

    read: Callable[[Path], list[LabelledVideo]]
    recognise: Callable[[Path], bool]
    ready_made: bool = False


LAYOUTS: dict[str, Layout] = {
    "dfdc": Layout(dfdc.read, dfdc.recognise),
    "dfdcp": Layout(dfdcp.read, dfdcp.recognise),
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
    "crops": Layout(crops.read, crops.recognise, ready_made=True),
    "csv": Layout(csv_table.read, csv_table.recognise),
}


def read_layout(folder: Path, layout: str) -> list[LabelledVideo]:
    """Read the labels of a data set.

    Args:
        folder: The folder of the data set.
        layout: How its labels are stated, a key of ``LAYOUTS``.

    Returns:
        The labelled videos, sorted by id.

    Raises:
        DatasetError: There is no such layout; the folder is missing or unreadable, holds no video
            or lacks a file of its data set; or its labels are wrong.

    Example:
        >>> videos = read_layout(Path("samples/videos"), "dfdc")
        >>> len(videos), videos[0].video, videos[0].label
        (216, 'abhehuqjdy.mp4', 'FAKE')
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
    """Return the name of the only layout that fits a folder.

    The layout ``folder`` counts only where no other fits: a table of labels says more than the
    names of folders, and often stands beside them.

    Args:
        folder: The folder of a data set.

    Raises:
        DatasetError: The folder cannot be listed, or no layout or several layouts fit it.

    Example:
        >>> recognise_layout(Path("samples/videos"))
        'dfdc'
    """
    count_entries(folder, "name your folder of videos")
    fitting = [name for name, layout in LAYOUTS.items() if layout.recognise(folder)]
    if len(fitting) > 1 and "folder" in fitting:
        fitting.remove("folder")
    if not fitting:
        raise DatasetError(
            f"{folder}: looks like no data set known here (docs/datasets.md lists them); "
            "put videos below folders named REAL and FAKE, or name their labels in a videos.csv"
        )
    if len(fitting) > 1:
        raise DatasetError(f"{folder}: could be {', '.join(fitting)}; choose one with --layout")
    return fitting[0]
