"""A detector with random weights for the tests of scans."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dfd.detector.network import Detector, load_detector
from dfd.scan.scanning import Scan
from dfd.scan.worker import NamedDetector, scan_file
from tests.clip_fixtures import face_params
from tests.detectors import copy_untrained


@pytest.fixture(scope="session")
def detector_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models") / "untrained"
    crop = face_params(margin=0.1, crop_size=128)
    return copy_untrained(tmp_path_factory, directory, crop=crop)


@pytest.fixture(scope="session")
def detector(detector_dir: Path) -> Detector:
    return load_detector(detector_dir)


@pytest.fixture(scope="session")
def judge(detector_dir: Path) -> Callable[..., Scan]:
    """Return a function that scans one file as a worker process does, and keeps the crops."""

    def scan(path: Path, name: str = "d", version: str | None = None) -> Scan:
        return scan_file(path, NamedDetector(detector_dir, name, version), with_crops=True)

    return scan
