"""MLflow stores: their tables are made once for all tests, as that takes a second; and a lock."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.shared import make_once


def new_store(factory: pytest.TempPathFactory, folder: Path) -> str:
    """Return the address of a new, empty MLflow store in a folder.

    Args:
        factory: Pytest's fixture.
        folder: The folder that gets the file ``mlflow.db``.
    """
    shutil.copy(make_once(factory, "mlflow-store", _make) / "mlflow.db", folder)
    return f"sqlite:///{folder}/mlflow.db"


def _make(folder: Path) -> None:
    from mlflow import MlflowClient  # here, as MLflow takes seconds to import

    folder.mkdir()
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    client.search_experiments()
    client.search_registered_models()


@contextmanager
def locked(database: Path, seconds: float) -> Iterator[None]:
    """Keep a database locked, at least while the context lasts, by another process."""
    script = (
        "import sqlite3, sys, time\n"
        "lock = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "lock.execute('BEGIN EXCLUSIVE')\n"
        "print(flush=True)\n"
        "time.sleep(float(sys.argv[2]))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(database), str(seconds)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        yield
        process.kill()
