"""Hashing files, placing them without a second copy, and writing them all or nothing."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfd.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd

VIDEO_SUFFIXES = frozenset(
    [".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ts"]
) | {".webm", ".wmv"}
UNFINISHED = ".unfinished-"  # what a killed process leaves begins so
# Columns that pandas would read as numbers where a data set names its videos so.
_TEXT = dict.fromkeys(("video", "source", "method", "group", "part", "sha256", "phash"), str)
FICLONE = 0x40049409  # ioctl of Linux that shares a file's blocks (Btrfs, XFS)


def project_root() -> Path:
    """Return the project's folder; of an experiment that DVC runs in a copy below it, the same."""
    here = Path.cwd()
    return next((folder.parent for folder in here.parents if folder.name == ".dvc"), here)


def hash_file(path: Path) -> str:
    """Return the sha256 of the file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_json(value: Any) -> str:
    """Return the sha256 of ``value`` as JSON with sorted keys, in hexadecimal."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def readable(path: Path) -> str:
    r"""Return a path as text that any file can hold: bytes that are no UTF-8 become ``\xff``."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; on success it is synced and renamed to ``path``.

    Folders above ``path`` are made. After an exception the temporary file is gone and ``path`` is
    as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED, suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``path``; on success it is renamed to ``path``.

    Folders above ``path`` are made. After an exception the temporary folder is gone and ``path``
    is as it was.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    replaced = path.with_name(f".{path.name}.{os.getpid()}.replaced")
    try:
        partial.mkdir(parents=True)
        yield partial
        if path.exists():
            path.rename(replaced)
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if path.exists():
            shutil.rmtree(replaced, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, all or nothing."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON with a closing newline, all or nothing."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_table(path: Path, table: "pd.DataFrame") -> None:
    """Write ``table`` as CSV without its index, all or nothing."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)


def read_table(path: Path, columns: Sequence[str], remedy: str) -> "pd.DataFrame":
    """Return a CSV of the data set's with at least ``columns``.

    Raises:
        DatasetError: The file is missing or lacks a column; ``remedy`` is the command to run.
    """
    import pandas as pd  # here: most who handle files have no tables

    try:
        table: pd.DataFrame = pd.read_csv(path, dtype=_TEXT)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be read ({error}); run `{remedy}`") from error
    lacking = [column for column in columns if column not in table.columns]
    if lacking:
        raise DatasetError(f"{path}: has no column {lacking[0]!r}; run `{remedy}`")
    return table


def place(source: Path, target: Path) -> None:
    """Make ``target`` hold the content of ``source``, sharing its blocks where the file system can.

    Tries a reflink, then a hard link, then a copy. ``source`` is only read.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    original = source.resolve()
    if _reflink(original, target):
        return
    try:
        os.link(original, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(original, target)


def _reflink(source: Path, target: Path) -> bool:
    try:
        import fcntl
    except ImportError:  # not on Windows
        return False
    try:
        with source.open("rb") as reading, target.open("xb") as writing:
            fcntl.ioctl(writing.fileno(), FICLONE, reading.fileno())
    except OSError:
        target.unlink(missing_ok=True)
        return False
    return True
