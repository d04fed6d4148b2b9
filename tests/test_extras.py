"""What works with the core alone, and what names the extra that it lacks."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from dfd.extras import core_packages, extra_with
from tests.data import ROOT, SAMPLE
from tests.detectors import write_detector
from tests.scan_layer import make_environment
from tests.shared import make_once
from tests.test_dependencies import CORE, EXTRAS, normal

CLIP = min(SAMPLE.glob("*.mp4"))
LARGEST_MB = 650


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment without any extra."""
    return make_once(tmp_path_factory, "scan-layer", make_environment) / "bin" / "python"


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    """Return a detector with a file that Grad-CAM would need."""
    directory = write_detector(tmp_path / "detector")
    (directory / "model.keras").touch()
    return directory


def dfd(python: Path, folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run ``dfd`` by a Python, in a folder."""
    return subprocess.run(
        [python, "-m", "flows.commands", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def assert_one_line(ended: subprocess.CompletedProcess[str], extra: str) -> None:
    assert ended.returncode == 2, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert re.fullmatch(rf"dfd: .* is not installed.*; pip install 'dfd\[{extra}\]'.*", line)


def test_the_installed_metadata_is_what_the_project_declares() -> None:
    assert {normal(name) for name in core_packages()} == CORE, "run `make install`"
    assert extra_with("prefect.states") == "workflow"
    assert extra_with("ruamel.yaml") == "workflow"
    assert extra_with("distributed") == "dask"
    assert extra_with("c2pa") == "provenance"
    assert extra_with("cv2") is None
    assert set(EXTRAS) >= {"workflow", "dask", "provenance"}


def test_a_scan_needs_the_core_alone_and_its_report_names_what_would_add_to_it(
    core: Path, detector: Path, tmp_path: Path
) -> None:
    ended = dfd(core, tmp_path, "scan", CLIP, "--model", detector, "--report", "out", "--json")
    assert ended.returncode == 0, ended.stderr
    assert '"judged":' in ended.stdout
    (page,) = (tmp_path / "out").glob("*.html")
    text = page.read_text()
    assert "(occlusion, " in text
    assert "pip install &#39;dfd[workflow]&#39;" in text
    assert "not read; the reader comes with <code>pip install &#39;dfd[provenance]&#39;" in text


def test_a_server_needs_the_core_alone(core: Path, detector: Path, tmp_path: Path) -> None:
    command = ["-m", "flows.commands", "serve", "--port", "0", "--model", str(detector)]
    with subprocess.Popen(
        [core, *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            with CLIP.open("rb") as file:
                answer = httpx.post(f"{address}/api/scan", files={"file": file}, timeout=300)
        finally:
            server.terminate()
    assert answer.status_code == 200
    assert answer.json()["coverage"]["judged"] > 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["pipeline"],
        ["registry", "list"],
        ["use", str(SAMPLE)],
        ["run", "split"],
        ["extract", str(CLIP), "--out", "faces"],
        ["scan", str(CLIP), "--model", "models:/deepfake-detector/2"],
    ],
    ids=" ".join,
)
def test_what_needs_the_workflow_is_one_line(
    core: Path, tmp_path: Path, arguments: list[str]
) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    assert_one_line(dfd(core, tmp_path, *arguments), "workflow")


def test_the_larger_face_detector_names_its_extra(core: Path, tmp_path: Path) -> None:
    code = """
from dfd.errors import WeightsError
from dfd.faces.detectors import load_face_detector
from dfd.params.faces import CropParams
try:
    load_face_detector(CropParams.model_construct(detector="retinaface-resnet50"))
except WeightsError as error:
    print(error)
"""
    ended = subprocess.run(
        [core, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "retinaface is not installed; pip install 'dfd[workflow]'" in ended.stdout


@pytest.mark.slow
def test_the_core_installs_by_itself_and_is_small(tmp_path: Path, detector: Path) -> None:
    source = tmp_path / "source"
    for folder in ("dfd", "tasks", "flows"):
        shutil.copytree(ROOT / folder, source / folder)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [environment / "bin" / "python", "-m", "pip", "install", "--quiet", str(source)]
    ended = subprocess.run(pip, capture_output=True, text=True, check=False)
    if "onnection" in ended.stderr:
        pytest.skip("no package index can be reached")
    assert ended.returncode == 0, ended.stderr
    (packages,) = environment.glob("lib/python*/site-packages")
    size = sum(path.stat().st_blocks * 512 for path in packages.rglob("*") if not path.is_symlink())
    assert size < LARGEST_MB * 1e6
    scanned = subprocess.run(
        [environment / "bin" / "dfd", "scan", str(CLIP), "--model", str(detector), "--json"],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert scanned.returncode == 0, scanned.stderr
    assert '"judged":' in scanned.stdout
