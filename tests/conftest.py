"""Fixtures the tests share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks import servers
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
    """Run a Prefect server for the tests alone and return its API address."""
    with servers.prefect_server(tmp_path_factory.mktemp("prefect")) as (api, _):
        yield api


@pytest.fixture
def project(tmp_path: Path, prefect_server: str) -> Project:
    """Return a fresh copy of the project."""
    return copy_project(tmp_path / "project", prefect_server)
