"""Receiving uploads into private files, which are deleted after the scan."""

import os
import re
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from dfd.serve.bodies import arriving
from dfd.serve.limits import Refused, ServerLimits

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_PREFIX = "dfd-serve-"
_NAME = re.compile(rf"{_PREFIX}([1-9][0-9]{{0,8}})-.*", re.DOTALL)  # with the server's process id
_LONGEST_NAME = 200  # characters to keep of a file name
# Content types of a body that is the file itself; the last one is what `curl --data-binary` sends.
_RAW = (b"", b"application/octet-stream", b"application/x-www-form-urlencoded")
_MULTIPART_BYTES = 64 * 1024  # bytes that the multipart format may add to a file


@contextmanager
def upload_folder() -> Iterator[Path]:
    """Yield a new temporary folder that only this user can read, and remove it afterwards.

    First, the folders of servers that were killed are removed.

    Example:
        >>> with upload_folder() as folder:
        ...     oct(folder.stat().st_mode & 0o777)
        '0o700'
        >>> folder.exists()
        False
    """
    for old in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if _is_left(old):
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))  # mode 0700
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def receive(request: Request, path: Path, limits: ServerLimits) -> str:
    """Stream the file in the body of a request to ``path``.

    The body is either the file itself, with its name percent-encoded in the header
    ``X-File-Name``, or a form (multipart/form-data) with one file. If this function raises, it has
    deleted ``path``.

    Args:
        request: The request.
        path: A new file.
        limits: Limits of the server, for the size of the file and the time of its arrival.

    Returns:
        The name that the client gave to the file, at most 200 characters.

    Raises:
        Refused: 408 if the file arrives too slowly, 413 if the file is too large, 415 for a
            body of another type, 422 if there is no file or an empty one, 507 if the disk is full.
        ClientDisconnect: The client closed the connection before the end of the file.
    """
    content_type, options = parse_options_header(request.headers.get("content-type", ""))
    body = arriving(request, limits.stall_s, limits.bytes_per_s)
    try:
        with path.open("wb") as file:
            sink = _Sink(file, path.parent, limits)
            sink.check(int(request.headers.get("content-length") or 0) - _MULTIPART_BYTES)
            if content_type == b"multipart/form-data":
                await _receive_form(body, options.get(b"boundary", b""), sink)
            elif content_type in _RAW or content_type.startswith(b"video/"):
                sink.name = unquote(request.headers.get("x-file-name", "upload"))
                async for chunk in body:
                    sink.write(chunk)
            else:
                raise Refused(415, "send a video: as the body, or as a file in multipart/form-data")
        if not sink.written:
            raise Refused(422, "no file came, or an empty one; send a video")
    except OSError as error:
        path.unlink(missing_ok=True)
        raise Refused(507, f"the server cannot store it ({error.strerror}); try later") from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return sink.name[:_LONGEST_NAME] or "upload"


class _Sink:
    """Writes an upload to an open file, within the limits of its size and of the disk."""

    def __init__(self, file: BinaryIO, folder: Path, limits: ServerLimits) -> None:
        self.name = "upload"
        self.written = 0
        self._file, self._folder, self._limits = file, folder, limits

    def check(self, size: int) -> None:
        """Refuse a file that would get larger than the limit, or fill the disk."""
        if size > self._limits.upload_mb * 2**20:
            raise Refused(413, f"larger than {self._limits.upload_mb} MB, the most taken here")
        free = shutil.disk_usage(self._folder).free - self._limits.spare_mb * 2**20
        if size - self.written > free:
            raise Refused(507, "the server has no space for it; try later")

    def write(self, data: bytes) -> None:
        self.check(self.written + len(data))
        self.written += len(data)
        self._file.write(data)


async def _receive_form(stream: AsyncIterator[bytes], boundary: bytes, sink: _Sink) -> None:
    """Write the first file of a multipart body, and ignore all other fields."""
    headers: dict[bytes, bytes] = {}
    field, value = bytearray(), bytearray()
    writing, files = False, 0

    def on_header_field(data: bytes, start: int, end: int) -> None:
        field.extend(data[start:end])

    def on_header_value(data: bytes, start: int, end: int) -> None:
        value.extend(data[start:end])

    def on_header_end() -> None:
        headers[bytes(field).lower()] = bytes(value)
        field.clear()
        value.clear()

    def on_headers_finished() -> None:
        nonlocal writing, files
        _, options = parse_options_header(headers.get(b"content-disposition", b""))
        file_name = options.get(b"filename")
        writing = file_name is not None and not files
        if writing and file_name is not None:
            files += 1
            sink.name = file_name.decode("utf-8", "replace")
        headers.clear()

    def on_part_data(data: bytes, start: int, end: int) -> None:
        if writing:
            sink.write(data[start:end])

    if not boundary:
        raise Refused(422, "multipart/form-data without a boundary; send it again")
    callbacks: MultipartCallbacks = {
        "on_header_field": on_header_field,
        "on_header_value": on_header_value,
        "on_header_end": on_header_end,
        "on_headers_finished": on_headers_finished,
        "on_part_data": on_part_data,
    }
    try:
        parser = MultipartParser(boundary, callbacks)
        received = 0
        async for chunk in stream:
            parser.write(chunk)
            received += len(chunk)
            if received - sink.written > _MULTIPART_BYTES:
                raise Refused(413, "more than 64 KB beside the file; send the file alone")
        parser.finalize()
    except FormParserError as error:
        raise Refused(422, f"no valid multipart/form-data ({error}); send it again") from error


def _is_left(folder: Path) -> bool:
    """Return whether a killed server of this user left a folder; anyone may make such names."""
    try:
        about = folder.lstat()
    except OSError:
        return False
    name = _NAME.fullmatch(folder.name)
    mine = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid()
    return name is not None and mine and not _runs(int(name[1]))


def _runs(pid: int) -> bool:
    """Return whether a process with this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
