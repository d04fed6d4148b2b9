"""Uploads as private files that do not outlive their scan, nor their server by long."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from dfd.serve.limits import Refused

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_PREFIX = "dfd-serve-"
_LONGEST_NAME = 200  # characters that are kept of a name
_RAW = (b"", b"application/octet-stream", b"application/x-www-form-urlencoded")  # as curl says it
_STALL_S = 20  # without a byte; who keeps a place in the queue must use it
_HEAD = 64 * 1024  # bytes that multipart headers may add to a file


@contextmanager
def upload_folder() -> Iterator[Path]:
    """Yield a new folder that only this user can read, and remove it in the end.

    Folders of servers that died without doing so are removed first.
    """
    above = Path(tempfile.gettempdir())
    for found in above.glob(f"{_PREFIX}*"):
        pid = found.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not _runs(int(pid)) and found.stat().st_uid == os.getuid():
            shutil.rmtree(found, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))  # mode 0700
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def receive(request: Request, path: Path, limit_mb: int) -> str:
    """Stream the file of a request to ``path`` and return its name as the client gave it.

    The body is the file itself, its name percent-encoded in the header ``X-File-Name``, or
    multipart/form-data with one file. Where this raises, ``path`` is gone again.

    Raises:
        Refused: 408 when nothing comes for a while, 413 for a file that is too large, 415 for a
            body of another kind, 422 for no file or an empty one.
        ClientDisconnect: The client went away half way.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    try:
        with path.open("wb") as file:
            sink = _Sink(file, limit_mb)
            sink.check(int(request.headers.get("content-length") or 0) - _HEAD)
            if kind == b"multipart/form-data":
                await _receive_form(_arriving(request), options.get(b"boundary", b""), sink)
            elif kind in _RAW or kind.startswith(b"video/"):
                sink.name = unquote(request.headers.get("x-file-name", "upload"))
                async for chunk in _arriving(request):
                    sink.write(chunk)
            else:
                raise Refused(415, "send a video: as the body, or as a file in multipart/form-data")
        if not sink.written:
            raise Refused(422, "no file came, or an empty one; send a video")
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return sink.name[:_LONGEST_NAME] or "upload"


async def _arriving(request: Request) -> AsyncIterator[bytes]:
    """Yield a body in pieces."""
    stream = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(_STALL_S):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise Refused(408, f"nothing came for {_STALL_S} seconds; send it again") from error
        yield chunk


class _Sink:
    """What is received: bytes into an open file, as far as they may."""

    def __init__(self, file: BinaryIO, limit_mb: int) -> None:
        self.name = "upload"
        self.written = 0
        self._file, self._limit_mb = file, limit_mb

    def check(self, size: int) -> None:
        if size > self._limit_mb * 2**20:
            raise Refused(413, f"larger than {self._limit_mb} MB, the most this server takes")

    def write(self, data: bytes) -> None:
        self.written += len(data)
        self.check(self.written)
        self._file.write(data)


async def _receive_form(stream: AsyncIterator[bytes], boundary: bytes, sink: _Sink) -> None:
    """Write the first file of a multipart body; other fields are read past."""
    header: dict[bytes, bytes] = {}
    field, value = bytearray(), bytearray()
    taking, files = False, 0

    def on_header_field(data: bytes, start: int, end: int) -> None:
        field.extend(data[start:end])

    def on_header_value(data: bytes, start: int, end: int) -> None:
        value.extend(data[start:end])

    def on_header_end() -> None:
        header[bytes(field).lower()] = bytes(value)
        field.clear()
        value.clear()

    def on_headers_finished() -> None:
        nonlocal taking, files
        _, options = parse_options_header(header.get(b"content-disposition", b""))
        named = options.get(b"filename")
        taking = named is not None and not files
        if taking and named is not None:
            files += 1
            sink.name = named.decode("utf-8", "replace")
        header.clear()

    def on_part_data(data: bytes, start: int, end: int) -> None:
        if taking:
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
        async for chunk in stream:
            parser.write(chunk)
        parser.finalize()
    except MultipartParseError as error:
        raise Refused(422, f"no valid multipart/form-data ({error}); send it again") from error


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
