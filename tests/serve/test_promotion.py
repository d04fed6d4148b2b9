"""A running server while another detector is promoted."""

import shutil
from pathlib import Path

import httpx
import mlflow
import pytest

from dfd.detector.card import load_card
from dfd.scan.worker import NamedDetector, scan_file
from dfd.scoring.decision import Calibration, Decision
from tasks.model_version import log_served_model
from tests.clip_fixtures import face_params
from tests.commands import dfd
from tests.data import ROOT
from tests.detectors import write_detector
from tests.serve.servers import CLIP, serving

pytestmark = pytest.mark.skipif(CLIP is None, reason="the sample is not here")

MODEL = "deepfake-detector"  # as params.yaml names it


def test_a_server_judges_by_the_detector_it_names_after_each_promotion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each version has a network of its own size and a calibration of its own."""
    project = tmp_path / "project"
    (project / "mlruns").mkdir(parents=True)
    shutil.copy(ROOT / "params.yaml", project)
    crop = face_params(margin=0.1, crop_size=128, frames_per_video=4)
    logged = {}
    for version, (size, bias) in enumerate([(64, -3.0), (96, 3.0)], start=1):
        decision = Decision(Calibration(temperature=1.0, bias=bias), width=0.0)
        folder = tmp_path / f"v{version}"
        logged[version] = write_detector(folder, input_size=size, decision=decision, crop=crop)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project}/mlruns/mlflow.db")
    place = (project / "mlruns" / "artifacts").as_uri()
    with mlflow.start_run(experiment_id=mlflow.create_experiment("x", place)):
        for directory in logged.values():
            uri = log_served_model({"detector": directory}, crop)
            mlflow.register_model(uri, MODEL, tags={"detector": load_card(directory).sha256})

    def promote(version: int) -> None:
        assert dfd(project, "registry", "promote", version).returncode == 0

    promote(1)
    with serving(project / "models/champion", tmp_path) as server:
        for version in (1, 2, 1):
            if version == 2 or load_card(project / "models/champion") != load_card(logged[version]):
                promote(version)
            record = server.post(CLIP.read_bytes()).json()
            expected = scan_file(CLIP, NamedDetector(logged[version], "x")).record
            assert record["model"]["version"] == str(version)
            assert record["model"]["sha256"] == load_card(logged[version]).sha256
            assert record["probability"] == pytest.approx(expected.probability, abs=1e-9)
            assert record["verdict"] == expected.verdict
            shown = httpx.get(server.url, headers={"accept": "text/html"}).text
            assert f"detection by {load_card(logged[version]).candidate}" in shown
