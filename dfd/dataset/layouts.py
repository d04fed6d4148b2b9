"""Ways a folder of videos states its labels. A layout is one function, listed in ``LAYOUTS``."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dfd.errors import DatasetError
from dfd.files import readable
from dfd.labels import LABELS
from dfd.params import Layout

VIDEO_SUFFIXES = frozenset(
    [".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ts"]
) | {".webm", ".wmv"}


@dataclass(frozen=True)
class LabelledVideo:
    """A video as its data set describes it.

    Attributes:
        path: The file.
        video: Its id: the path from the data set's folder, with ``/`` and the extension, so that
            equal file names in different folders stay apart.
        label: ``REAL`` or ``FAKE``.
        source: Id (or, when it is not in the folder, name) of the pristine video of a fake.
        donor: Likewise of the video whose face was put in, where the data set says so.
        method: Forgery method, where the data set says so.
    """

    path: Path
    video: str
    label: str
    source: str | None = None
    donor: str | None = None
    method: str | None = None


def read_layout(folder: Path, layout: Layout) -> list[LabelledVideo]:
    """Return the labelled videos of ``folder``, sorted by id.

    Raises:
        DatasetError: The folder is missing or unreadable, holds no video, or its labels are wrong.
    """
    try:
        entries = sum(1 for _ in folder.iterdir())
    except OSError as error:
        raise DatasetError(
            f"{folder}: cannot be listed ({error.strerror}); set dataset.videos in params.yaml "
            "to your folder of videos"
        ) from error
    videos = sorted(LAYOUTS[layout](folder), key=lambda video: video.video)
    if not videos:
        raise DatasetError(
            f"{folder}: no video in it ({entries} entries) under the layout {layout!r}; "
            "check dataset.videos and dataset.layout in params.yaml"
        )
    return videos


def read_dfdc(folder: Path) -> list[LabelledVideo]:
    """Read every ``metadata.json`` at or below ``folder``, as the DFDC publishes them.

    Each maps a file name beside it to ``label``, ``split`` and ``original``; ``method`` and
    ``donor`` are read where present. An original that is not in the folder is normal (209 of them
    are named by the 400 clips of the Kaggle sample, which holds 42).
    """
    tables = {path.parent: _read_metadata(path) for path in sorted(folder.rglob("metadata.json"))}
    if not tables:
        raise DatasetError(
            f"{folder}: no metadata.json at or below it; the layout 'dfdc' needs one beside the "
            "videos (for folders named REAL and FAKE set dataset.layout: folder)"
        )
    ids = {
        (part, name): (part / name).relative_to(folder).as_posix()
        for part, table in tables.items()
        for name in table
    }
    by_name: dict[str, str] = {}
    for (_, name), video in ids.items():
        by_name.setdefault(name, video)

    def resolve(part: Path, name: str | None) -> str | None:
        return ids.get((part, name), by_name.get(name, name)) if name else None

    return [
        LabelledVideo(
            path=part / name,
            video=ids[part, name],
            label=entry["label"],
            source=resolve(part, entry.get("original")),
            donor=resolve(part, entry.get("donor")),
            method=entry.get("method"),
        )
        for part, table in tables.items()
        for name, entry in table.items()
    ]


def read_folder(folder: Path) -> list[LabelledVideo]:
    """Read videos under folders named ``REAL`` and ``FAKE``, at any depth.

    The folder just below ``FAKE`` is the method. A FAKE whose file name is that of exactly one REAL
    video is taken to be made from it, so that the two stay on one side of a split.
    """
    found: list[tuple[Path, PurePosixPath, str]] = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in VIDEO_SUFFIXES or path.name.startswith(".") or path.is_dir():
            continue
        if not path.is_file():
            raise DatasetError(f"{path}: is a dangling link; mend it or take it away")
        video = PurePosixPath(readable(path.relative_to(folder)))
        labels = [part for part in video.parent.parts if part in LABELS]
        if len(set(labels)) != 1:
            raise DatasetError(
                f"{path}: must lie below either a folder named REAL or one named FAKE; move it, or "
                "set dataset.layout in params.yaml"
            )
        found.append((path, video, labels[0]))
    reals: dict[str, list[str]] = {}
    for _, video, label in found:
        if label == "REAL":
            reals.setdefault(video.stem, []).append(video.as_posix())

    def source(video: PurePosixPath, label: str) -> str | None:
        twins = reals.get(video.stem, []) if label == "FAKE" else []
        return twins[0] if len(twins) == 1 else None

    def method(video: PurePosixPath, label: str) -> str | None:
        below = video.parent.parts[video.parent.parts.index(label) + 1 :]
        return below[0] if label == "FAKE" and below else None

    return [
        LabelledVideo(
            path, video.as_posix(), label, source(video, label), None, method(video, label)
        )
        for path, video, label in found
    ]


LAYOUTS: dict[Layout, Callable[[Path], list[LabelledVideo]]] = {
    "dfdc": read_dfdc,
    "folder": read_folder,
}


def _read_metadata(path: Path) -> dict[str, dict[str, Any]]:
    try:
        table = json.loads(path.read_bytes())
    except OSError as error:
        raise DatasetError(
            f"{path}: cannot be read ({error.strerror}); check its rights"
        ) from error
    except ValueError as error:
        raise DatasetError(f"{path}: not valid JSON ({error}); fetch or mend the file") from error
    if not isinstance(table, dict):
        raise DatasetError(f"{path}: must map file names to labels; fetch or mend the file")
    for name, entry in table.items():
        _check_entry(path, name, entry)
    missing = sorted(name for name in table if not (path.parent / name).is_file())
    if missing:
        raise DatasetError(
            f"{path}: {len(missing)} of {len(table)} videos named in it do not exist, the first is "
            f"{missing[0]!r}; complete the folder or take the names out"
        )
    return table


def _check_entry(path: Path, name: str, entry: Any) -> None:
    if PurePosixPath(name).name != name or name in {"", "..", "."} or "\\" in name:
        raise DatasetError(
            f"{path}: {name!r} is not a plain file name; a video must lie beside its metadata.json"
        )
    if not isinstance(entry, dict) or entry.get("label") not in LABELS:
        label = entry.get("label") if isinstance(entry, dict) else entry
        raise DatasetError(
            f"{path}: the label of {name!r} is {label!r}; it must be 'REAL' or 'FAKE'"
        )
    for key in ("original", "donor", "method"):
        if not isinstance(entry.get(key), str | None):
            raise DatasetError(f"{path}: {key!r} of {name!r} must be text or null; mend the file")
