"""Helpers for files: hashing, placing without a second copy, and writing whole or not at all."""

import errno
import glob
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfd.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd

UNFINISHED = ".unfinished-"  # prefix of temporary files; a killed process may leave some
_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)
_SHOWN = 32  # characters of a file's name in that of its temporary file
# Columns that are text even where every value is made of digits, as some data sets name videos.
_TEXT_COLUMNS = dict.fromkeys(
    (
        *("video", "source", "method", "group", "part", "sha256", "phash"),
        *("frame_hashes", "face_hashes"),
    ),
    str,
)
_FICLONE = 0x40049409  # Linux ioctl that makes two files share blocks (Btrfs, XFS)


def project_root() -> Path:
    """Return the folder of the project.

    This is the current folder, except inside a copy of the project that ``dvc exp run --temp`` or
    ``--queue`` makes below ``.dvc``: there it is the folder that holds ``.dvc``.
    """
    here = Path.cwd()
    return next((folder.parent for folder in here.parents if folder.name == ".dvc"), here)


def hash_file(path: Path) -> str:
    """Return the sha256 of the content of a file, as 64 hexadecimal digits.

    Raises:
        OSError: The file cannot be read.

    Example:
        >>> hash_file(Path("samples/videos/ajgbsfvojo.mp4"))[:12]
        '6f0b85753534'
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_of(path: Path) -> tuple[str, int]:
    """Return the sha256 of a file or of a folder of files, and its size in bytes.

    The hash of a folder is that of a text with a line for each file: its hash and its name.

    Raises:
        OSError: A file cannot be read.

    Example:
        >>> sha256, size = content_of(Path("samples/videos/ajgbsfvojo.mp4"))
        >>> sha256[:12], size > 10_000
        ('6f0b85753534', True)
    """
    if not path.is_dir():
        return hash_file(path), path.stat().st_size
    files = sorted(file for file in path.iterdir() if file.is_file())
    listed = "".join(f"{hash_file(file)} {readable(Path(file.name))}\n" for file in files)
    return hashlib.sha256(listed.encode()).hexdigest(), sum(file.stat().st_size for file in files)


def why_unreadable(path: Path) -> str | None:
    """Return why a file, or a folder of files, cannot be read at present; None where it can.

    A pipe is not opened, since that would wait for its writer.

    Example:
        >>> why_unreadable(Path("no-such.mp4"))
        'is no regular file, or a link to nothing'
    """
    if not path.is_file() and not path.is_dir():
        return "is no regular file, or a link to nothing"
    return why_not_opened(path)


def why_not_opened(path: Path) -> str | None:
    """Return why a path cannot be opened at present, or None where it was; a pipe is waited for."""
    try:
        if path.is_dir():
            next(path.iterdir(), None)
        else:
            path.open("rb").close()
    except OSError as error:
        return f"cannot be opened ({error.strerror})"
    return None


def hash_json(value: Any) -> str:
    """Return the sha256 of ``value`` written as JSON with sorted keys, as 64 hexadecimal digits.

    Example:
        >>> hash_json({"a": 1, "b": 2}) == hash_json({"b": 2, "a": 1})
        True
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def readable(path: Path) -> str:
    r"""Return a path as text that can be printed and written as UTF-8.

    File names on POSIX may hold any bytes; a byte that is not UTF-8 becomes its escape.

    Example:
        >>> print(readable(Path(os.fsdecode(b"caf\xe9.mp4"))))
        caf\xe9.mp4
    """
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def refusal(error: OSError) -> str | None:
    """Return the line that says which file could not be written for want of room or rights.

    Args:
        error: Any error of the system.

    Returns:
        The line; None for an error of another kind, or one that names no file.

    Example:
        >>> print(refusal(OSError(errno.ENOSPC, "No space left on device", "data/split.csv")))
        data/split.csv: cannot be written (No space left on device); make room or give rights, ...
        >>> refusal(OSError(errno.ENOENT, "No such file or directory", "data/split.csv"))
    """
    path = error.filename2 or error.filename  # a copy, a link and a renaming name the source too
    if error.errno not in _REFUSALS or not isinstance(path, str):
        return None
    return (
        f"{readable(Path(path))}: cannot be written ({error.strerror}); make room or give rights, "
        "then run again"
    )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a temporary file that replaces ``path`` when the block ends.

    The temporary file lies in the folder of ``path``, which is created where needed. At the end of
    the block its content is flushed to disk and it is renamed to ``path``. After an exception it is
    deleted and ``path`` is unchanged. As for any new file, the umask decides who may read it.

    Raises:
        OSError: The folder cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "figures", "auc.txt")
        ...     with replacing(path) as temporary:
        ...         size = temporary.write_text("0.91")
        ...     path.read_text()
        '0.91'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{_unfinished(path)}{secrets.token_hex(8)}{path.suffix}")
    try:
        temporary.touch(exist_ok=False)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.filename in (None, str(temporary)):  # most writes name no file
            error.filename = str(path)
        raise
    finally:
        with suppress(OSError):  # it is renamed, or this would hide why it is not
            temporary.unlink()


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder that replaces the folder ``path`` when the block ends.

    The temporary folder lies beside ``path``; folders above it are created where needed. After an
    exception it is deleted and ``path`` is unchanged.

    Raises:
        OSError: The folder above ``path`` cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with replacing_folder(Path(folder, "models")) as temporary:
        ...         write_json(temporary / "card.json", {"format": 1})
        ...     Path(folder, "models", "card.json").is_file()
        True
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


def sweep(path: Path) -> None:
    """Remove what killed processes have left beside a file or folder while they replaced it.

    Call it only while no other process writes ``path``. A folder whose replacement was killed
    between its two renames is put back.

    Args:
        path: A path that ``replacing`` or ``replacing_folder`` writes.

    Raises:
        OSError: Something that was left cannot be removed.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     left = Path(folder, ".models.123.partial")
        ...     left.mkdir()
        ...     sweep(Path(folder, "models"))
        ...     left.exists()
        False
    """
    name = glob.escape(path.name)
    for replaced in path.parent.glob(f".{name}.*.replaced"):
        if path.exists():
            shutil.rmtree(replaced)
        else:
            replaced.rename(path)
    for partial in path.parent.glob(f".{name}.*.partial"):
        shutil.rmtree(partial)
    for unfinished in path.parent.glob(f"{glob.escape(_unfinished(path))}*"):
        unfinished.unlink()


def _unfinished(path: Path) -> str:
    """Return the beginning of the names of temporary files that replace a file."""
    return f"{UNFINISHED}{path.stem[:_SHOWN]}-"  # a name may be as long as the file system allows


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8; after an error the old file is unchanged (see ``replacing``)."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON; after an error the old file is unchanged.

    Raises:
        ValueError: ``value`` holds a NaN or an infinity, which JSON does not know.
        OSError: The folder cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_json(Path(folder, "train.json"), {"auc": 0.91})
        ...     print(Path(folder, "train.json").read_text(), end="")
        {
          "auc": 0.91
        }
    """
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_table(path: Path, table: "pd.DataFrame") -> None:
    """Write ``table`` as CSV without its index; after an error the old file is unchanged."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)


def read_table(path: Path, columns: Sequence[str], remedy: str) -> "pd.DataFrame":
    """Read a CSV table, such as ``data/videos.csv`` or ``data/split.csv``.

    Args:
        path: The CSV file.
        columns: Names of the columns that it must have; it may have more.
        remedy: The command that writes the file anew, for the error message.

    Raises:
        DatasetError: The file is missing or lacks a column.
    """
    import pandas as pd  # imported here: most programs that handle files read no tables

    try:
        table: pd.DataFrame = pd.read_csv(path, dtype=_TEXT_COLUMNS)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be read ({error}); run `{remedy}`") from error
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise DatasetError(f"{path}: has no column {missing[0]!r}; run `{remedy}`")
    return table


def place(source: Path, target: Path) -> None:
    """Give ``target`` the content of ``source``, without a second copy on disk where possible.

    Where ``source`` is a folder, so becomes ``target``, and each file in it is placed.

    Tries a reflink (two files that share blocks), then a hard link, then a plain copy. Where
    ``source`` is a symbolic link, the file it leads to is placed. ``source`` is only read.

    Args:
        source: An existing file, or a folder of files.
        target: A path that does not exist yet; folders above it are created where needed.

    Raises:
        OSError: ``source`` cannot be read or ``target`` cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     place(Path("samples/videos/ajgbsfvojo.mp4"), Path(folder, "videos", "clip.mp4"))
        ...     hash_file(Path(folder, "videos", "clip.mp4"))[:12]
        '6f0b85753534'
    """
    if source.is_dir():
        for file in source.iterdir():
            place(file, target / file.name)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    original = source.resolve()
    if _reflink(original, target):
        return
    try:
        os.link(original, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(original, target)


def _reflink(source: Path, target: Path) -> bool:
    """Return whether ``target`` could be made to share the blocks of ``source``."""
    try:
        import fcntl
    except ImportError:  # Windows has no such module
        return False
    try:
        with source.open("rb") as reading, target.open("xb") as writing:
            fcntl.ioctl(writing.fileno(), _FICLONE, reading.fileno())
    except OSError:
        target.unlink(missing_ok=True)
        return False
    return True
