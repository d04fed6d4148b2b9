"""Servers that benchmarks and tests start on this machine and end again."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
LOG = "server.log"
_ROOT = Path(__file__).resolve().parent.parent
_START_S = 120.0
_ADDRESS = re.compile(r"^(http\S+)\n", re.MULTILINE)


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
    with _process(command, folder, environment) as server:
        _wait_for(lambda: _answers(health), server, folder)
        yield server


def scan_server_command(detector: Path, *options: str) -> tuple[str, ...]:
    """Return module and arguments of ``dfd serve`` on any free port; it prints its address."""
    return ("flows.commands", "serve", "--model", str(detector), "--port", "0", *options)


@contextmanager
def scan_server(
    detector: Path, folder: Path, *options: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run ``dfd serve``; yield its address and process.

    Args:
        detector: Directory of the detector that judges.
        folder: Folder for the temporary files of the server and its log, ``server.log``.
        options: More options of the command.

    Raises:
        RuntimeError: The server does not start; the message is its log.
    """
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "TMPDIR": str(folder)}
    command = scan_server_command(detector.absolute(), *options)
    with _process(command, folder, environment) as server:
        log = folder / LOG
        address = _wait_for(lambda: _ADDRESS.search(log.read_text()), server, folder)
        yield address[1], server


@contextmanager
def prefect_server(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run a Prefect server that keeps everything in a folder; yield its API address and process."""
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    environment = {**os.environ, "PREFECT_HOME": str(folder / ".prefect"), "PREFECT_API_URL": api}
    command = ("prefect", "server", "start", "--port", str(port), "--no-ui")
    with running_server(command, f"{api}/health", folder, environment) as server:
        yield api, server


@contextmanager
def _process(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``python -m <command>`` in a folder, with its log there, to the end of the context."""
    with (folder / LOG).open("w") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        yield server
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=1).close()
    except OSError:
        return False
    return True


def _wait_for(answer: Callable[[], T | None], server: subprocess.Popen[bytes], folder: Path) -> T:
    """Return the first answer that is true."""
    end = time.monotonic() + _START_S
    while server.poll() is None and time.monotonic() < end:
        if found := answer():
            return found
        time.sleep(0.1)
    raise RuntimeError(f"the server does not start:\n{(folder / LOG).read_text()}")
