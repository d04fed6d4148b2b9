"""Running servers with an untrained detector."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from benchmarks.detectors import save_untrained
from dfd.scoring.decision import Calibration, Decision
from tests.clip_fixtures import face_params
from tests.data import ROOT, SAMPLE
from tests.scan.conftest import DOMAIN

CLIP = next(iter(sorted(SAMPLE.glob("*.mp4"))), None)


@dataclass(frozen=True)
class Server:
    """A running server: its address, its process and its folder for temporary files."""

    url: str
    process: subprocess.Popen[str]
    temporary: Path

    def uploads(self) -> list[Path]:
        return list(self.temporary.glob("dfd-serve-*/*"))


@pytest.fixture(scope="session")
def always_fake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector that calls every face FAKE."""
    directory = tmp_path_factory.mktemp("served") / "always_fake"
    crop = face_params(margin=0.1, crop_size=128, frames_per_video=4)
    decision = Decision(Calibration(), 0.0, (0.0, 0.0))
    return save_untrained(directory, crop=crop, domain=DOMAIN, decision=decision)


@contextmanager
def serving(model: Path, temporary: Path, *options: str) -> Iterator[Server]:
    command = [
        sys.executable,
        "-m",
        "flows.commands",
        "serve",
        "--model",
        str(model),
        "--port",
        "0",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    with subprocess.Popen(
        [*command, *options],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        url = process.stdout.readline().strip()
        assert url, process.stderr.read()
        try:
            httpx.get(url, timeout=60)
            yield Server(url, process, temporary)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


@pytest.fixture(scope="session")
def server(always_fake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = ("--upload-mb", "8", "--duration", "20")
    with serving(always_fake, tmp_path_factory.mktemp("uploads"), *limits) as running:
        yield running


@pytest.fixture
def post(server: Server) -> Callable[..., httpx.Response]:
    def send(content: bytes, **headers: str) -> httpx.Response:
        kind = {"content-type": "application/octet-stream", **headers}
        return httpx.post(f"{server.url}/api/scan", content=content, headers=kind, timeout=120)

    return send
