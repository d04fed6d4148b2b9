"""Fixtures the tests share."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import servers
from tests.data import GRID, ROOT, write_video
from tests.project import Project, copy_project
from tests.shared import shared_server
from tests.wheels import Wheelhouse

pytest_plugins = ["tests.clip_fixtures"]

# The files that take longest begin first, so that no process is left with one of them at the end.
# Those that need what the first makes, the finished pipeline, do not come right after it.
LONGEST = ["tests/test_workflow.py", "tests/flows/test_faces.py"]

# A shell makes its background jobs ignore Ctrl-C, and programs that a test starts would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of ``LONGEST`` first; the others stay in their order."""
    places = {ROOT / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


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
    """Run one Prefect server for all tests and return its API address."""
    with shared_server(tmp_path_factory, "prefect", _prefect_api) as api:
        yield api
        if "prefect.main" in sys.modules:
            _send_what_waits()


def _send_what_waits() -> None:
    """Send the logs and events of flows that ran in this process, while their server is there."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=30)
    EventsWorker.drain_all(timeout=30)


@contextmanager
def _prefect_api(folder: Path) -> Iterator[str]:
    with servers.prefect_server(folder) as (api, _):
        yield api


@pytest.fixture
def project(tmp_path: Path, prefect_server: str) -> Project:
    """Return a fresh copy of the project."""
    return copy_project(tmp_path / "project", prefect_server)
