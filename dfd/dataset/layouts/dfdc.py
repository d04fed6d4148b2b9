"""The Deepfake Detection Challenge (DFDC): folders of videos, each with a ``metadata.json``.

Kaggle's sample is one such folder; the whole DFDC has fifty (``dfdc_train_part_00`` to ``_49``).
Dolhansky et al., *The DeepFake Detection Challenge Dataset* (2020), arXiv:2006.07397.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Any

from dfd.dataset.layouts.lists import read_json, require_present
from dfd.dataset.layouts.videos import LabelledVideo
from dfd.errors import DatasetError
from dfd.labels import LABELS

METADATA = "metadata.json"
_PART = re.compile(r"dfdc_train_part_\d+")
_LEAST_PARTS = 10  # groups; an evaluation of fewer has no intervals


def recognise(folder: Path) -> bool:
    """Return whether the folder or a subfolder holds a ``metadata.json``."""
    return next(folder.rglob(METADATA), None) is not None


def read(folder: Path) -> list[LabelledVideo]:
    """Read every ``metadata.json`` in the folder and its subfolders, as the DFDC publishes them.

    Each file maps the names of the videos beside it to ``label``, ``split`` and ``original``;
    ``method``, ``donor`` and ``synthetic`` (the people are rendered) are read where present. Many
    originals are not in the folder: the 400 clips of the Kaggle sample name 209 originals, of which
    the sample holds 42.

    The DFDC names no people, but its participants found that an actor's videos mostly lie in one of
    the fifty folders. So where there are ten of them or more, a folder stays together as if it
    showed one person.

    Args:
        folder: The folder of the data set.

    Raises:
        DatasetError: There is no ``metadata.json``, or one is wrong or names absent videos.
    """
    tables = {path.parent: _read_metadata(path) for path in sorted(folder.rglob(METADATA))}
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

    parts = [part.name for part in tables if _PART.fullmatch(part.name)]
    together = parts if len(parts) >= _LEAST_PARTS else []
    return [
        LabelledVideo(
            path=part / name,
            video=ids[part, name],
            label=entry["label"],
            source=resolve(part, entry.get("original")),
            donor=resolve(part, entry.get("donor")),
            method=entry.get("method"),
            synthetic=entry.get("synthetic", False),
            person=part.name if part.name in together else None,
        )
        for part, table in tables.items()
        for name, entry in table.items()
    ]


def _read_metadata(path: Path) -> dict[str, dict[str, Any]]:
    table = read_json(path)
    if not isinstance(table, dict):
        raise DatasetError(f"{path}: must map file names to labels; fetch or mend the file")
    for name, entry in table.items():
        _check_entry(path, name, entry)
    require_present(path, table, (name for name in table if (path.parent / name).is_file()))
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
    if not isinstance(entry.get("synthetic", False), bool):
        raise DatasetError(f"{path}: 'synthetic' of {name!r} must be true or false; mend the file")
