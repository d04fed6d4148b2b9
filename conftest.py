"""A detector for the examples in the library's docstrings."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def example_detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a small detector whose scores follow the colour of a crop."""
    from tests.detectors import write_detector  # imports ONNX, which most examples do not need

    return write_detector(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(autouse=True)
def names_of_examples(request: pytest.FixtureRequest, doctest_namespace: dict[str, Any]) -> None:
    """Define ``detector_dir`` for the examples that use it, so that others need not wait for it."""
    example = getattr(request.node, "dtest", None)
    if example and "detector_dir" in example.docstring:
        doctest_namespace["detector_dir"] = request.getfixturevalue("example_detector")
