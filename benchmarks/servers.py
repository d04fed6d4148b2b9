"""Servers that benchmarks and tests start on this machine and end again."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_START_S = 120.0


def free_port() -> int:
    """Return a port of this machine on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def running_server(
    command: Sequence[str], health: str, folder: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``python -m <command>`` in a folder, from its first answer to the end of the context.

    Args:
        command: Module and arguments of the server.
        health: Address that answers as soon as the server is ready.
        folder: Working directory of the server, which also gets its log, ``server.log``.
        environment: All environment variables of the server.

    Raises:
        RuntimeError: The server does not answer; the message is its log.
    """
    log = folder / "server.log"
    with log.open("w") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        _wait_until_ready(server, health, log)
        yield server
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


@contextmanager
def prefect_server(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run a Prefect server that keeps everything in a folder; yield its API address and process."""
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    environment = {**os.environ, "PREFECT_HOME": str(folder / ".prefect"), "PREFECT_API_URL": api}
    command = ("prefect", "server", "start", "--port", str(port), "--no-ui")
    with running_server(command, f"{api}/health", folder, environment) as server:
        yield api, server


def _wait_until_ready(server: subprocess.Popen[bytes], health: str, log: Path) -> None:
    end = time.monotonic() + _START_S
    while server.poll() is None and time.monotonic() < end:
        try:
            urllib.request.urlopen(health, timeout=1).close()
            return
        except OSError:
            time.sleep(0.5)
    raise RuntimeError(f"{health} does not answer:\n{log.read_text()}")
