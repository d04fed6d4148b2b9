"""Running servers, and the clip that they are asked about."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.servers import LOG, scan_server
from tests.data import SAMPLE

CLIP = next(iter(sorted(SAMPLE.glob("*.mp4"))), None)
PATIENCE_S = 60
TOKEN = "sixteen-signs-at-least"
BEARER = {"authorization": f"Bearer {TOKEN}"}
PROXY = "127.0.0.7"  # the address of the strict server's proxy
RAW = {"content-type": "application/octet-stream"}


@dataclass(frozen=True)
class Server:
    """A running server: its address, its process and its folder for temporary files."""

    url: str
    process: subprocess.Popen[bytes]
    temporary: Path

    def post(self, content: bytes, **headers: str) -> httpx.Response:
        """Ask for the verdict on a file."""
        address = f"{self.url}/api/scan"
        return httpx.post(address, content=content, headers={**RAW, **headers}, timeout=120)

    def client_at(self, address: str) -> httpx.Client:
        """Return a client that connects from an address of this machine, such as 127.0.0.2."""
        transport = httpx.HTTPTransport(local_address=address)
        return httpx.Client(base_url=self.url, transport=transport, timeout=120)

    def uploads(self) -> list[Path]:
        """Return the uploads that the server keeps now."""
        return list(self.temporary.glob("dfd-serve-*/*"))

    def wait_for_uploads(self, count: int) -> None:
        """Wait until the server keeps so many uploads."""
        end = time.monotonic() + PATIENCE_S
        while len(self.uploads()) != count:
            assert time.monotonic() < end, f"{self.uploads()} after {PATIENCE_S} seconds"
            time.sleep(0.05)

    def connection(self, sent: bytes = b"") -> socket.socket:
        """Return a connection over which some bytes have been sent."""
        host, port = self.url.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
        connection.sendall(sent)
        return connection

    def answer(self, sent: bytes) -> bytes:
        """Return everything that the server answers to these bytes, until it closes."""
        with self.connection(sent) as connection:
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def begun_upload(self, **headers: str) -> socket.socket:
        """Return a connection that has sent half of a file."""
        sent = {"Host": "localhost", "Content-Length": "100000", **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        return self.connection(f"POST /api/scan HTTP/1.1\r\n{lines}\r\n".encode() + bytes(50_000))

    def log(self) -> str:
        """Return what the server has printed."""
        return (self.temporary / LOG).read_text()


@contextmanager
def serving(detector: Path, temporary: Path, *options: str) -> Iterator[Server]:
    """Run a server with its temporary files in a folder."""
    with scan_server(detector, temporary, *options) as (url, process):
        yield Server(url, process, temporary)
