"""Detectors that an earlier version of dfd made, under the code of a later one."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import mlflow
import pandas as pd
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from dfd.detector.card import load_card
from dfd.params.evaluation import EvaluateParams, RegisterParams
from tasks.model_version import Evaluated, log_served_model
from tasks.register import register_detector
from tasks.registry import CARD, DETECTOR, PREDICTIONS, RULING, VIDEOS, open_registry
from tests.data import SAMPLE
from tests.detector.test_card import as_format_4
from tests.detectors import write_detector
from tests.project import Project, copy_project
from tests.registrations import LIMITS, MODEL, evaluated

pytestmark = pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample is not here")

# What a later version adds: a metric, a training key, and a crop key with the default that stands
# for what was done before.
LATER = {
    "dfd/scoring/metrics.py": [
        (r"(?m)^    n: int$", "    n: int\n    novel: float"),
        (r"n=len\(values\),", "n=len(values), novel=0.5,"),
    ],
    "dfd/params/training.py": [(r"(?m)^    backbone: str$", "    backbone: str\n    novel: int")],
    "dfd/params/faces.py": [
        (r"(?m)^    frames_per_video: Count", "    novel: int = 0\n    frames_per_video: Count")
    ],
    "params.yaml": [(r"(?m)^train:.*$", "train:\n  novel: 1")],
}


def clip() -> Path:
    return min(SAMPLE.glob("*.mp4"))


def log_version(left: Evaluated, videos: Path, folder: Path) -> str:
    """Register a detector as the stage ``register`` does, in the store of the environment."""
    files = {DETECTOR: left.detector, PREDICTIONS: left.predictions, VIDEOS: videos}
    experiment = mlflow.get_experiment_by_name("x")
    place = folder.as_uri()
    number = experiment.experiment_id if experiment else mlflow.create_experiment("x", place)
    with mlflow.start_run(experiment_id=number):
        card = load_card(left.detector)
        uri = log_served_model({**files, CARD: left.card}, card.crop)
        version = mlflow.register_model(uri, MODEL, tags={"detector": card.sha256})
    return str(version.version)


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a project of a later version, with two registered detectors of today's."""
    project = copy_project(tmp_path / "project", api="")
    (project.folder / "mlruns").mkdir(exist_ok=True)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project.folder}/mlruns/mlflow.db")
    for number, noise in enumerate((6.0, 1.0), start=1):
        detector = write_detector(tmp_path / f"v{number}")
        left, videos = evaluated(tmp_path / f"left{number}", detector, noise)
        log_version(left, videos, project.folder / "mlruns/artifacts")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    for name, changes in LATER.items():
        path = project.folder / name
        for old, new in changes:
            path.write_text(changed := re.sub(old, new, before := path.read_text()))
            assert changed != before, f"{name}: {old}"
    return project


def test_a_later_version_scans_compares_and_serves_todays_detectors(later: Project) -> None:
    promoted = later.run("flows.commands", "registry", "promote", "1")
    assert promoted.returncode == 0, promoted.stderr
    scanned = later.run("flows.commands", "scan", str(clip()), "--json")
    assert scanned.returncode == 0, scanned.stderr
    record = json.loads(scanned.stdout)
    assert record["crop"]["novel"] == 0
    assert record["model"]["version"] == "1"
    compared = later.run("flows.commands", "registry", "compare", "2", "champion")
    assert compared.returncode == 0, compared.stderr
    assert "the gate would promote 2" in compared.stdout
    with subprocess.Popen(
        [sys.executable, "-m", "flows.commands", "serve", "--port", "0"],
        cwd=later.folder,
        env={**os.environ, "PYTHONPATH": str(later.folder)},
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout
            url = server.stdout.readline().strip()
            answer = httpx.post(
                f"{url}/api/scan",
                content=clip().read_bytes(),
                headers={"content-type": "application/octet-stream"},
                timeout=120,
            )
        finally:
            server.terminate()
    assert answer.status_code == 200
    assert answer.json()["probability"] == pytest.approx(record["probability"], abs=1e-9)


def test_a_champion_of_format_4_is_compared_with_and_replaced(
    tmp_path: Path, prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    old = write_detector(tmp_path / "old")
    card = old / "detector.json"
    card.write_text(json.dumps(as_format_4(json.loads(card.read_text())), indent=2))
    left, videos = evaluated(tmp_path / "left1", old, noise=6.0)
    params = RegisterParams(model=MODEL, **LIMITS)
    bootstrap = EvaluateParams(bootstrap=200, seed=1)

    def rescore(detector: Path, ids: list[str]) -> pd.Series:
        raise AssertionError("both were scored on these videos")

    def register(name: str, what: Evaluated) -> dict[str, Any]:
        with temporary_settings({PREFECT_API_URL: prefect_server}):
            return register_detector(name, what, videos, params, bootstrap, rescore)

    first = register("old", left)
    assert first["outcome"] == "promote"
    better, _ = evaluated(
        tmp_path / "left2", write_detector(tmp_path / "new", candidate="new"), noise=1.0
    )
    decided = register("new", better)
    assert decided["outcome"] == "promote", decided
    assert register("old", left) == first, "its identity is still known"
    with open_registry(MODEL) as registry:
        champion = registry.champion()
        assert champion is not None
        assert int(champion.version) == decided["version"]
        assert RULING in champion.tags
        former = registry.detector(registry.former())
        assert load_card(former).format == 6, "it is upgraded in memory"
        assert json.loads((former / card.name).read_text())["format"] == 4, "and not on disk"
