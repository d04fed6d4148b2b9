"""A server for all tests that do not end it or need options of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dfd.scoring.decision import Calibration, Decision
from tests.clip_fixtures import face_params
from tests.detectors import write_detector
from tests.serve.servers import PROXY, TOKEN, Server, serving


@pytest.fixture(scope="session")
def always_fake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector that calls every face FAKE."""
    directory = tmp_path_factory.mktemp("served") / "always_fake"
    crop = face_params(margin=0.1, crop_size=128, frames_per_video=4)
    decision = Decision(Calibration(bias=8.0), width=0.0)
    return write_detector(directory, crop=crop, decision=decision)


@pytest.fixture(scope="session")
def server(always_fake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = ("--upload-mb", "8", "--duration", "20")
    with serving(always_fake, tmp_path_factory.mktemp("uploads"), *limits) as running:
        yield running


@pytest.fixture(scope="session")
def strict(always_fake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that asks for a token, is reached by a proxy too, and has a short queue."""
    options = ("--token", TOKEN, "--proxy", PROXY, "--scans", "1", "--queue", "1")
    with serving(always_fake, tmp_path_factory.mktemp("strict"), *options) as running:
        yield running
