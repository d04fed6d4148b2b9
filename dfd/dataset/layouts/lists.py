"""Reading the lists and tables that a data set publishes beside its videos."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dfd.errors import DatasetError


def read_text(path: Path) -> str:
    """Return the text of a list or table.

    Raises:
        DatasetError: The file cannot be read or is not UTF-8.
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
    """Return the lines of a list, without blank lines and surrounding spaces.

    Raises:
        DatasetError: The file cannot be read.
    """
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        DatasetError: The file cannot be read or is not JSON.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except ValueError as error:
        raise DatasetError(f"{path}: not valid JSON ({error}); fetch or mend the file") from error


def require_present(path: Path, named: Iterable[str], present: Iterable[str]) -> None:
    """Check that every video that an official list names is in the folder.

    Args:
        path: The list, for the error message.
        named: Names of the videos in the list.
        present: Names of the videos in the folder.

    Raises:
        DatasetError: Videos are missing; the message tells how many, and the first of them.
    """
    names = set(named)
    missing = sorted(names - set(present))
    if missing:
        raise DatasetError(
            f"{path}: {len(missing)} of {len(names)} videos named in it do not exist, the first is "
            f"{missing[0]!r}; complete the folder or take them out of it"
        )


def official_lists(folders: Iterable[Path], names: Iterable[str]) -> dict[str, Path]:
    """Find the lists of an official split.

    Args:
        folders: Folders in which the lists may be; the first one that holds any list counts.
        names: File names of the lists.

    Returns:
        The path of each list by its name; empty where no folder holds a list.

    Raises:
        DatasetError: The folder holds some of the lists, but not all.
    """
    for folder in folders:
        paths = {name: folder / name for name in names}
        present = [name for name, path in paths.items() if path.is_file()]
        missing = [path for path in paths.values() if not path.is_file()]
        if present and missing:
            raise DatasetError(
                f"{missing[0]}: is missing, while {present[0]} is there; an official split needs "
                "all of its lists, or none"
            )
        if present:
            return paths
    return {}


def parts_by_name(
    lists: Iterable[tuple[Path, str, list[str]]], present: set[str]
) -> dict[str, str]:
    """Return the part of each video in an official split, by the name of the video.

    Args:
        lists: For each list: its path, its part, and the names in it.
        present: Names of the videos in the folder.

    Raises:
        DatasetError: A list names an absent video, or a video of another list.
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
