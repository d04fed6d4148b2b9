"""MLflow stores whose tables are made once for all tests, as their migrations take a second."""

import shutil
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
