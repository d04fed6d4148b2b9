"""The stage ``train`` under kills: the same detector, and one run in MLflow."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from dfd.detector.card import load_card
from dfd.detector.network import load_detector
from dfd.scan.worker import NamedDetector, scan_file
from tests.data import SAMPLE
from tests.pipeline import Pipeline, finished_pipeline
from tests.project import Project
from tests.train.loop.test_setup import NO_TENSORFLOW

KILLS = int(os.environ.get("DFD_KILLS", "2"))
SEED = int(os.environ.get("DFD_SEED", "1"))
NO_TF2ONNX = NO_TENSORFLOW.replace('"tensorflow"', '"tf2onnx"')
CHECKPOINT = ".cache/train/small.npz"

pytestmark = pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample is not here")


def start(project: Project) -> subprocess.Popen[bytes]:
    """Start the training and return its process."""
    return subprocess.Popen(
        [sys.executable, "-m", "flows.train", "small"],
        cwd=project.folder,
        env={
            **os.environ,
            "PREFECT_API_URL": project.api,
            "PYTHONPATH": str(project.folder),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def made(project: Project) -> tuple[str, str, str]:
    """Return what a training made: the detector's hash, its metrics and its curves."""
    folder = project.folder
    return (
        load_card(folder / "models/small").sha256,
        (folder / "metrics/small/train.json").read_text(),
        pd.read_csv(folder / "plots/small/training.csv").to_csv(),
    )


def runs(project: Project) -> list[str]:
    """Return status and epochs of every run of the candidate in MLflow, the latest first."""
    client = MlflowClient(f"sqlite:///{project.folder}/mlruns/mlflow.db")
    experiment = client.get_experiment_by_name("deepfake-detection")
    found = client.search_runs([experiment.experiment_id], "tags.candidate = 'small'")
    return [
        " ".join(
            [run.info.status]
            + [str(epoch.step) for epoch in client.get_metric_history(run.info.run_id, "val_loss")]
        )
        for run in found
    ]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Pipeline:
    return finished_pipeline(tmp_path_factory, prefect_server)


@dataclass(frozen=True)
class Continued:
    """A training in which everything went wrong that may, and what its last two runs said.

    The labels of the test part are the wrong ones. The first run was killed after its first epoch.
    The second could not export the detector. The third had nothing in its way.
    """

    project: Project
    killed: str
    refused: subprocess.CompletedProcess[str]
    after_refusal: str
    left: bool
    ended: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def continued(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Continued:
    folder = tmp_path_factory.mktemp("continued")
    project = pipeline.copy(folder)
    for made_before in ("mlruns", ".cache", "models/small"):
        shutil.rmtree(project.folder / made_before)
    path = project.folder / "data/split.csv"
    split = pd.read_csv(path)
    test = split["part"] == "test"
    split.loc[test, "label"] = split.loc[test, "label"].map({"REAL": "FAKE", "FAKE": "REAL"})
    assert test.any()
    split.to_csv(path, index=False)

    process = start(project)
    while not (project.folder / CHECKPOINT).exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    (killed,) = runs(project)
    (folder / "sitecustomize.py").write_text(NO_TF2ONNX)
    hidden = f"{folder}{os.pathsep}{project.folder}"
    refused = project.run("flows.train", "small", PYTHONPATH=hidden)
    (after_refusal,) = runs(project)
    left = (project.folder / "models/small").exists()
    ended = project.run("flows.train", "small")
    return Continued(project, killed, refused, after_refusal, left, ended)


def test_a_killed_training_goes_on_to_the_same_detector(
    continued: Continued, pipeline: Pipeline
) -> None:
    assert continued.killed.startswith("RUNNING 1"), "it was killed in the midst of it"
    assert continued.ended.returncode == 0, continued.ended.stderr
    assert made(continued.project)[1:] == made(pipeline.project)[1:]
    ours, theirs = (
        one.folder / "models/small/model.onnx" for one in (continued.project, pipeline.project)
    )
    assert ours.read_bytes() == theirs.read_bytes()
    assert not (continued.project.folder / CHECKPOINT).exists()
    assert runs(continued.project) == ["FINISHED 1 2"], "no epoch is lost or logged twice"


def test_a_training_says_what_its_verdicts_would_take(continued: Continued) -> None:
    detector = continued.project.folder / "models/small"
    card = load_card(detector)
    assert card.decision.width is None
    assert card.decision.promise is not None
    missing = card.decision.promise.missing
    (said,) = re.findall(r"small will give no verdicts: .*", continued.ended.stderr)
    assert f"at least {missing} more groups of validation videos" in said
    record = scan_file(min(SAMPLE.glob("*.mp4")), NamedDetector(detector, "small")).record
    assert (record.verdict, record.reasons[0].code) == ("INCONCLUSIVE", "no_promise")
    assert record.reasons[0].detail in said


def test_what_the_test_part_says_changes_nothing_but_its_own_hash(
    continued: Continued, pipeline: Pipeline
) -> None:
    ours, theirs = (
        json.loads((one.folder / "models/small/detector.json").read_text())
        for one in (continued.project, pipeline.project)
    )
    assert ours.keys() == theirs.keys()
    assert {key for key in ours if ours[key] != theirs[key]} == {"split_sha256"}


def test_where_nothing_can_be_exported_nothing_trained_is_lost(continued: Continued) -> None:
    assert continued.refused.returncode == 2, continued.refused.stderr
    said = continued.refused.stderr.splitlines()[-1]
    assert said.startswith("dfd: models/small: the network cannot be exported to model.onnx")
    assert "pip install tf2onnx, then run again" in said
    output = continued.refused.stdout + continued.refused.stderr
    assert "cannot be exported here" in output, "said before it trains, too"
    assert not continued.left, "no half of a detector"
    assert continued.after_refusal == "FAILED 1 2"
    output = continued.ended.stdout + continued.ended.stderr
    assert "epoch 1 (" not in output, "no epoch was trained again"
    assert "epoch 2 (" not in output, "no epoch was trained again"
    folder = continued.project.folder
    assert load_detector(folder / "models/small").card.candidate == "small"


@pytest.mark.slow
def test_without_tensorflow_nothing_trained_is_lost(pipeline: Pipeline, tmp_path: Path) -> None:
    project = pipeline.copy(tmp_path)
    shutil.rmtree(project.folder / "models")
    (tmp_path / "sitecustomize.py").write_text(NO_TENSORFLOW)
    hidden = f"{tmp_path}{os.pathsep}{project.folder}"
    before = len(runs(project))
    ended = project.run("flows.train", "small", PYTHONPATH=hidden, KERAS_BACKEND="jax")
    assert ended.returncode == 2, ended.stderr
    said = ended.stderr.splitlines()[-1]
    assert said.startswith("dfd: models/small: the network cannot be exported to model.onnx")
    assert "pip install tensorflow, then run again" in said
    assert "cannot be exported here" in ended.stdout + ended.stderr, "said before it trains, too"
    assert not (project.folder / "models/small").exists()
    assert runs(project)[0] == "FAILED 1 2"
    again = project.run("flows.train", "small", KERAS_BACKEND="jax")
    assert again.returncode == 0, again.stderr
    assert runs(project)[0] == "FINISHED 1 2"
    assert len(runs(project)) == before + 1
    assert "epoch 1 (" not in again.stdout + again.stderr, "no epoch was trained again"
    assert load_detector(project.folder / "models/small").card.candidate == "small"


@pytest.mark.slow
def test_a_training_killed_at_random_moments_goes_on_to_the_same_detector(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    project = pipeline.copy(tmp_path)
    project.change_params(lambda params: params["candidates"]["small"].update(epochs=6))
    begun = time.monotonic()
    assert start(project).wait() == 0
    seconds, expected = time.monotonic() - begun, made(project)
    before = len(runs(project))
    rng = np.random.default_rng(SEED)
    kills = finished = 0
    while kills < KILLS:
        process = start(project)
        try:
            assert process.wait(rng.uniform(0.2, 1) * seconds) == 0
            finished += 1
            assert made(project) == expected
        except subprocess.TimeoutExpired:
            kills += 1
            process.kill()
            process.wait()
    assert start(project).wait() == 0
    assert made(project) == expected
    assert not (project.folder / CHECKPOINT).exists()
    listed = runs(project)
    complete = "FINISHED 1 2 3 4 5 6"
    assert set(listed) == {complete, "FINISHED 1 2"}, "no epoch is lost or logged twice"
    assert listed.count(complete) == before + finished
    assert len(listed) == before + finished + 1
