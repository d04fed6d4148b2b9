"""Prefect servers and stages that are killed, each as a process of its own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from benchmarks.servers import prefect_server as own_server
from tests.data import SAMPLE
from tests.flows.test_stage import own_lines
from tests.flows.test_train import CHECKPOINT, made
from tests.pipeline import Pipeline, finished_pipeline
from tests.project import Project

pytestmark = pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample is not here")
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Pipeline:
    return finished_pipeline(tmp_path_factory, prefect_server)


@pytest.fixture
def untrained(pipeline: Pipeline, tmp_path: Path) -> Project:
    """Return a copy of the finished project without the detector ``small``."""
    project = pipeline.copy(tmp_path)
    shutil.rmtree(project.folder / "models/small")
    return project


@contextmanager
def running(project: Project, *command: str, api: str = "") -> Iterator[subprocess.Popen[str]]:
    """Run ``python -m`` with a command in the project; its output is in one pipe."""
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(project.folder), "PREFECT_API_URL": api},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(what: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not what():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.05)


def server_of(process: subprocess.Popen[str]) -> psutil.Process | None:
    """Return the process below a program that listens on a port: its temporary server."""
    for child in psutil.Process(process.pid).children(recursive=True):
        if any(one.status == psutil.CONN_LISTEN for one in child.net_connections()):
            return child
    return None


def ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_temporary_server_that_is_killed_is_started_again(
    untrained: Project, pipeline: Pipeline
) -> None:
    with running(untrained, "flows.train", "small") as stage:
        wait_for((untrained.folder / CHECKPOINT).exists, stage)
        server = server_of(stage)
        assert server is not None
        server.kill()
        output, _ = stage.communicate(timeout=PATIENCE_S)
    assert stage.returncode == 0, output
    assert made(untrained) == made(pipeline.project)
    assert len([line for line in output.splitlines() if "Prefect server has ended" in line]) == 1
    assert "Traceback" not in output
    assert not (untrained.folder / CHECKPOINT).exists()


def test_a_stage_that_is_killed_takes_its_temporary_server_with_it(untrained: Project) -> None:
    with running(untrained, "flows.train", "small") as stage:
        wait_for(lambda: server_of(stage) is not None, stage)
        server = server_of(stage)
        assert server is not None
        stage.kill()
        end = time.monotonic() + PATIENCE_S
        while not ended(server):
            assert time.monotonic() < end
            time.sleep(0.1)


def test_a_named_server_that_is_lost_costs_no_training(
    untrained: Project, pipeline: Pipeline, tmp_path: Path
) -> None:
    (tmp_path / "server").mkdir()
    with (
        own_server(tmp_path / "server") as (api, server),
        running(untrained, "flows.train", "small", api=api) as stage,
    ):
        wait_for((untrained.folder / CHECKPOINT).exists, stage)
        os.killpg(server.pid, signal.SIGKILL)
        output, _ = stage.communicate(timeout=PATIENCE_S)
    assert stage.returncode == 2, output
    (line,) = own_lines(output)
    assert line.startswith(f"dfd: PREFECT_API_URL: the Prefect server at {api} fails (")
    assert "Traceback" not in output
    again = untrained.run("flows.train", "small")
    assert again.returncode == 0, again.stderr
    assert "epoch 1 (" not in again.stdout + again.stderr, "no epoch was trained again"
    assert "epoch 2 (" not in again.stdout + again.stderr, "no epoch was trained again"
    assert made(untrained) == made(pipeline.project)
    assert not (untrained.folder / CHECKPOINT).exists()


def test_a_folder_of_records_that_cannot_be_written_is_one_line(project: Project) -> None:
    (project.folder / ".prefect").write_text("a file")
    refused = project.run("flows.split", PREFECT_API_URL="")
    assert refused.returncode == 2, refused.stderr
    (line,) = own_lines(refused.stderr)
    assert line.startswith("dfd: .prefect: cannot be written (")
    assert "Traceback" not in refused.stderr


def test_a_stage_ends_with_dvc_and_goes_on_with_the_next(
    untrained: Project, pipeline: Pipeline
) -> None:
    with running(untrained, "dvc", "repro", "-sf", "train@small", api=untrained.api) as dvc:
        wait_for((untrained.folder / CHECKPOINT).exists, dvc)
        below = psutil.Process(dvc.pid).children(recursive=True)
        (stage,) = [one for one in below if "flows.train" in one.cmdline()[:3]]
        (untrained.folder / "models/.small.1.partial").mkdir(parents=True)
        dvc.kill()
        end = time.monotonic() + PATIENCE_S
        while not ended(stage):
            assert time.monotonic() < end
            time.sleep(0.1)
    assert (untrained.folder / CHECKPOINT).exists()
    again = untrained.run("dvc", "repro", "-sf", "train@small")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "epoch 1 (" not in again.stdout + again.stderr, "no epoch was trained again"
    assert made(untrained) == made(pipeline.project)
    assert sorted(path.name for path in (untrained.folder / "models").iterdir()) == [
        *("champion", "small", "smaller")
    ]


def test_a_stage_that_runs_already_is_refused_with_the_process_that_runs_it(
    untrained: Project,
) -> None:
    with running(untrained, "flows.train", "small", api=untrained.api) as stage:
        holder = untrained.folder / ".cache/locks/train@small.pid"
        wait_for(lambda: holder.exists() and holder.read_text() == str(stage.pid), stage)
        os.kill(stage.pid, signal.SIGSTOP)  # it lasts as long as it has to
        refused = untrained.run("flows.commands", "run", "train", "small")
    assert refused.returncode == 2
    assert own_lines(refused.stderr) == [
        f"dfd: train@small: process {stage.pid} runs this stage already; wait for it to end, or "
        "end it"
    ]


def test_what_a_killed_process_has_left_changes_no_hash(pipeline: Pipeline, tmp_path: Path) -> None:
    project = pipeline.copy(tmp_path)
    for left in ("models/.small.1.partial", "models/.champion.1.replaced", "models/small"):
        (project.folder / left).mkdir(exist_ok=True)
        (project.folder / left / ".unfinished-model-abc.onnx").write_text("half")
    (project.folder / "plots/small/.unfinished-roc-abc.png").write_text("half")
    status = project.run("dvc", "status")
    assert status.returncode == 0
    assert "Data and pipelines are up to date." in status.stdout
