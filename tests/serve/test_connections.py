"""Connections that wait: half-open, idle, and with bytes that are no HTTP."""

import asyncio
import resource
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from dfd.serve.connections import Connection
from tests.serve.servers import Server, serving

HALF = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
UPLOAD = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
REFUSED = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n"


class Hasty(Connection):
    """Connections of a server that waits shortly."""

    waits_s = 0.3


class Few(Connection):
    """Connections of a server that takes four."""

    most = 4


async def hello(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer, at some paths after reading the body."""
    if scope["path"] == "/admitted":
        scope["state"]["admitted"] = True
    while scope["path"] in ("/admitted", "/body") and (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    size = 50_000_000 if scope["path"] == "/large" else 2
    await send({"type": "http.response.body", "body": b"x" * size})


@asynccontextmanager
async def listening(connections: type[Connection]) -> AsyncIterator[int]:
    """Serve on any free port; yield the port."""
    config = uvicorn.Config(
        hello, http=connections, ws="none", lifespan="off", log_level="critical"
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        await running


async def opened(port: int, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    await writer.drain()
    return reader, writer


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Return what still comes until the server closes; a lost connection ends it too."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        HALF,
        UPLOAD % b"/body",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nG",
        REFUSED,
        b"GET /large HTTP/1.0\r\n\r\n",
    ],
    ids=[
        "nothing",
        "half a head",
        "half a form",
        "half a second head",
        "an unread body",
        "an unread answer",
    ],
)
def test_a_connection_that_waits_is_closed(sent: bytes) -> None:
    async def run() -> None:
        async with listening(Hasty) as port:
            reader, _ = await opened(port, sent)
            await asyncio.sleep(5 * Hasty.waits_s)  # a client that does not read
            assert len(await asyncio.wait_for(rest(reader), 30)) < 50_000_000

    asyncio.run(run())


def test_a_client_that_reads_slowly_gets_all_of_a_long_answer() -> None:
    async def run() -> None:
        async with listening(Hasty) as port:
            reader, _ = await opened(port, b"GET /large HTTP/1.0\r\n\r\n")
            received, begun = 0, time.monotonic()
            while data := await reader.read(2**21):
                received += len(data)
                await asyncio.sleep(0.06)
            assert time.monotonic() - begun > 2 * Hasty.waits_s
            assert received > 50_000_000

    asyncio.run(run())


def test_the_longest_waiting_connection_makes_room() -> None:
    async def run() -> None:
        async with listening(Few) as port:
            kept = [await opened(port, HALF) for _ in range(Few.most)]
            reader, writer = await opened(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            assert await rest(kept[0][0]) == b""
            kept[-1][1].write(b"\r\n")
            assert (await kept[-1][0].readline()).startswith(b"HTTP/1.1 200")
            writer.close()

    asyncio.run(run())


def test_unfinished_forms_keep_nobody_out_and_end_no_upload() -> None:
    async def run() -> None:
        async with listening(Few) as port:
            reader, writer = await opened(port, UPLOAD % b"/admitted")
            assert await reader.readuntil(b"\r\n\r\n")
            forms = []  # a connection that nothing refers to is closed
            for _ in range(3 * Few.most):
                forms.append(await opened(port, UPLOAD % b"/body"))
                assert await forms[-1][0].readuntil(b"\r\n\r\n")
                other, _ = await opened(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert (await other.readline()).startswith(b"HTTP/1.1 200")
            writer.write(b"xx")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")

    asyncio.run(run())


@pytest.fixture
def usual_descriptors() -> Iterator[None]:
    """The limit of open files that is usual for a program; a server's clients need more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("usual_descriptors")
def test_half_open_connections_keep_nobody_out(always_fake: Path, tmp_path: Path) -> None:
    with serving(always_fake, tmp_path) as server, ExitStack() as opened:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        for _ in range(1300):
            opened.enter_context(server.connection(HALF))
        assert httpx.get(server.url, timeout=20).status_code == 200
        time.sleep(2)  # a server that cannot accept tries again every second
        assert httpx.get(server.url, timeout=20).status_code == 200
    assert len(server.log()) < 10_000


def test_what_is_no_http_is_no_traceback_and_one_line_a_minute(server: Server) -> None:
    chunked = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    before = len(server.log())
    for _ in range(20):
        assert server.answer(b"no HTTP\r\n\r\n").startswith(b"HTTP/1.1 400")
        with server.connection(chunked) as answered:
            assert answered.recv(65536)
            answered.sendall(b"no chunk\r\n")
            while answered.recv(65536):
                pass
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert server.answer(HALF + b"Connection: close\r\n" + upgrade)
    log = server.log()[before:]
    assert "Traceback" not in log
    assert len(log) < 500
