"""The stage ``train`` under kills: the same detector, and one run in MLflow."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dfd.detector.card import load_card
from dfd.detector.network import load_detector
from tests.data import SAMPLE
from tests.project import Project, copy_project, write_clips
from tests.train.loop.test_setup import NO_TENSORFLOW

KILLS = int(os.environ.get("DFD_KILLS", "2"))
SEED = int(os.environ.get("DFD_SEED", "1"))
RUNS = """
from mlflow import MlflowClient
client = MlflowClient("sqlite:///mlruns/mlflow.db")
experiment = client.get_experiment_by_name("deepfake-detection")
for run in client.search_runs([experiment.experiment_id]):
    epochs = client.get_metric_history(run.info.run_id, "val_loss")
    print(run.info.status, *(epoch.step for epoch in epochs))
"""

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
    """Return status and epochs of every run in MLflow, the latest first."""
    script = [sys.executable, "-c", RUNS]
    listed = subprocess.run(script, cwd=project.folder, capture_output=True, check=True, text=True)
    return listed.stdout.splitlines()


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, prefect_server: str
) -> tuple[Project, float, tuple[str, str, str]]:
    """Return a project with a trained candidate, the seconds that took, and what it made."""
    project = copy_project(tmp_path_factory.mktemp("trained") / "project", prefect_server)
    write_clips(project.folder / "clips")
    small = {"backbone": "mesonet", "weights": "none", "epochs": 6, "learning_rate": 0.01}
    project.change_params(
        lambda params: (
            params["dataset"].update(videos="clips"),
            params["split"].update(fractions={"train": 0.4, "validation": 0.3, "test": 0.3}),
            params["faces"].update(frames_per_video=4),
            params.update(candidates={"small": small}),
        )
    )
    begun = 0.0
    for stage in (["dataset"], ["split"], ["faces"], ["train", "small"]):
        begun = time.monotonic()
        ended = project.run(f"flows.{stage[0]}", *stage[1:])
        assert ended.returncode == 0, ended.stderr
    return project, time.monotonic() - begun, made(project)


def test_a_training_killed_at_random_moments_goes_on_to_the_same_detector(
    trained: tuple[Project, float, tuple[str, str, str]],
) -> None:
    project, seconds, expected = trained
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
    assert not (project.folder / ".cache/train/small.npz").exists()
    listed = runs(project)
    assert set(listed) == {"FINISHED 1 2 3 4 5 6"}, "no epoch is lost or logged twice"
    assert len(listed) == before + finished + 1


def test_without_tensorflow_nothing_trained_is_lost(
    trained: tuple[Project, float, tuple[str, str, str]], tmp_path: Path
) -> None:
    project = Project(tmp_path / "project", trained[0].api)
    shutil.copytree(trained[0].folder, project.folder)
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
    assert runs(project)[0] == "FAILED 1 2 3 4 5 6"
    again = project.run("flows.train", "small", KERAS_BACKEND="jax")
    assert again.returncode == 0, again.stderr
    assert runs(project)[0] == "FINISHED 1 2 3 4 5 6"
    assert len(runs(project)) == before + 1
    assert "epoch 1 (" not in again.stdout + again.stderr, "no epoch was trained again"
    assert load_detector(project.folder / "models/small").card.candidate == "small"


def test_what_the_test_part_says_changes_nothing_but_its_own_hash(
    trained: tuple[Project, float, tuple[str, str, str]],
) -> None:
    project, _, _ = trained
    card = project.folder / "models/small/detector.json"
    before = json.loads(card.read_text())
    path = project.folder / "data/split.csv"
    split = pd.read_csv(path)
    test = split["part"] == "test"
    split.loc[test, "label"] = split.loc[test, "label"].map({"REAL": "FAKE", "FAKE": "REAL"})
    assert test.any()
    split.to_csv(path, index=False)
    assert start(project).wait() == 0
    after = json.loads(card.read_text())
    assert {key for key in before if before[key] != after[key]} == {"split_sha256"}
