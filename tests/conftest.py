"""Fixtures the tests share."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.data import GRID, write_video
from tests.project import Project, copy_project
from tests.wheels import Wheelhouse

pytest_plugins = ["tests.clip_fixtures"]


@pytest.fixture
def make_video() -> Callable[..., Path]:
    """Return ``write_video``."""
    return write_video


@pytest.fixture
def grid() -> Path:
    """Return the folder of 31 real clips, or skip."""
    if not GRID.is_dir():
        pytest.skip("the folder of real clips is not here")
    return GRID


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheelhouse:
    """Return an empty folder of wheels that stands in for the index."""
    return Wheelhouse(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a Prefect server of the tests' own and return its API address."""
    home = tmp_path_factory.mktemp("prefect")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    api = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    environment = {**os.environ, "PREFECT_HOME": str(home), "PREFECT_API_URL": api}
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--no-ui"], env=environment, stdout=log, stderr=log, cwd=home
        )
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{api}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.5)
        else:
            raise RuntimeError((home / "server.log").read_text())
        yield api
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def project(tmp_path: Path, prefect_server: str) -> Project:
    """Return a fresh copy of the project."""
    return copy_project(tmp_path / "project", prefect_server)
