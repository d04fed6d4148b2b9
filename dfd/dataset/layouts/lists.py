"""Reading the tables and lists a data set publishes beside its videos."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dfd.errors import DatasetError


def read_text(path: Path) -> str:
    """Return the text of a list or table of the data set's.

    Raises:
        DatasetError: It cannot be read, or is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError(
            f"{path}: cannot be read ({error.strerror}); check its rights"
        ) from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: is no UTF-8 text; save it as UTF-8") from error


def read_lines(path: Path) -> list[str]:
    """Return the lines of a list that are not blank, stripped.

    Raises:
        DatasetError: It cannot be read.
    """
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        DatasetError: It cannot be read, or is no JSON.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except ValueError as error:
        raise DatasetError(f"{path}: not valid JSON ({error}); fetch or mend the file") from error


def require_present(path: Path, named: Iterable[str], present: Iterable[str]) -> None:
    """Check that every video an official list names is there.

    Raises:
        DatasetError: Some are not; it says how many, and the first.
    """
    names = set(named)
    missing = sorted(names - set(present))
    if missing:
        raise DatasetError(
            f"{path}: {len(missing)} of {len(names)} videos named in it do not exist, the first is "
            f"{missing[0]!r}; complete the folder or take them out of it"
        )


def official_lists(folders: Iterable[Path], names: Iterable[str]) -> dict[str, Path]:
    """Return the path of each of ``names`` in the first folder that holds any of them.

    Returns:
        Paths by name; empty where no folder holds any.

    Raises:
        DatasetError: A folder holds some, but not all.
    """
    for folder in folders:
        paths = {name: folder / name for name in names}
        there = [name for name, path in paths.items() if path.is_file()]
        lacking = [path for path in paths.values() if not path.is_file()]
        if there and lacking:
            raise DatasetError(
                f"{lacking[0]}: is missing, while {there[0]} is there; an official split needs "
                "all of its lists, or none"
            )
        if there:
            return paths
    return {}


def parts_by_name(
    lists: Iterable[tuple[Path, str, list[str]]], present: set[str]
) -> dict[str, str]:
    """Return the part of every name.

    Args:
        lists: Path, part and content of each official list.
        present: Names of the videos that are there.

    Raises:
        DatasetError: A list names an absent video, or one that is in another part's list.
    """
    parts: dict[str, str] = {}
    for path, part, names in lists:
        require_present(path, names, present)
        for name in names:
            if parts.setdefault(name, part) != part:
                raise DatasetError(
                    f"{path}: names {name!r}, which another list gives to the part "
                    f"{parts[name]!r}; fetch the lists again"
                )
    return parts
