"""The stage ``faces`` under kills, changes and another runner: always the same bytes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import psutil
import pytest

from dfd.faces.reader import read_manifest
from tests.project import Project, copy_project, write_clips

KILLS = int(os.environ.get("DFD_KILLS", "3"))
RESNET50 = "retinaface-resnet50"
SEED = int(os.environ.get("DFD_SEED", "1"))


class Stage:
    """The stage in a project of its own, with what an undisturbed run of it makes."""

    def __init__(self, project: Project) -> None:
        self.project, self.output = project, project.folder / "data" / "faces"
        self.store = project.folder / ".cache" / "faces"
        write_clips(project.folder / "clips")
        project.change_params(lambda params: params["dataset"].update(videos="clips"))
        assert project.command("run", "dataset").returncode == 0
        assert self.run() == 0
        self.expected = self.content()
        shutil.copytree(project.folder / "data", project.folder / "kept")
        shutil.copy(project.folder / "params.yaml", project.folder / "kept.yaml")

    def reset(self) -> None:
        """Go back to before the first run."""
        folder = self.project.folder
        shutil.rmtree(folder / ".cache", ignore_errors=True)
        shutil.rmtree(folder / "data")
        shutil.copytree(folder / "kept", folder / "data")
        shutil.rmtree(self.output)
        shutil.copy(folder / "kept.yaml", folder / "params.yaml")

    def start(self) -> subprocess.Popen[bytes]:
        """Start a run as a program and return its process."""
        return subprocess.Popen(
            [sys.executable, "-m", "flows.faces"],
            cwd=self.project.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(self.project.folder),
                "PREFECT_API_URL": self.project.api,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run(self) -> int:
        """Run to the end in this process and return the exit code."""
        return self.project.command("run", "faces").returncode

    def content(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.output.iterdir()}

    def results(self) -> dict[str, int]:
        """When each result in the store was written."""
        return {path.name: path.stat().st_mtime_ns for path in self.store.glob("*.zip")}

    def wait_for(self, results: int, process: subprocess.Popen[Any]) -> None:
        """Wait until so many results of a run are in the store."""
        while len(self.results()) < results:
            assert process.poll() is None
            time.sleep(0.05)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Stage:
    return Stage(copy_project(tmp_path_factory.mktemp("faces") / "project", prefect_server))


@pytest.fixture
def stage(made: Stage) -> Stage:
    made.reset()
    return made


def test_the_page_shows_how_far_it_is_and_the_log_stays_short(stage: Stage) -> None:
    limit = 899  # by which this run is found among those of other tests
    stage.project.change_params(lambda params: params["workers"].update(time_limit_s=limit))
    ended = stage.project.run("flows.faces")
    assert ended.returncode == 0
    flows = stage.project.recorded("flow_runs", flow_runs={"name": {"any_": ["faces"]}})
    (flow,) = [run["id"] for run in flows if run["parameters"]["limits"]["time_s"] == limit]
    artifacts = stage.project.recorded("artifacts", artifacts={"flow_run_id": {"any_": [flow]}})
    pages = {page["key"]: page for page in artifacts}
    assert pages["faces-progress"]["data"] == 100
    assert pages["faces-progress"]["description"].startswith("14 of 14 videos, 0 failed, ")
    assert "broken.mp4" in pages["faces"]["data"]
    log = ended.stdout + ended.stderr
    assert "broken.mp4: no crop, unreadable" in log
    assert sum("Task run 'faces " in line for line in log.splitlines()) == 0


def test_weights_that_cannot_be_had_are_one_line(stage: Stage) -> None:
    stage.project.change_params(lambda params: params["faces"].update(detector=RESNET50))
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "DEEPFACE_HOME": str(stage.project.folder)}
    ended = stage.project.command("run", "faces", **nowhere)
    assert ended.returncode == 2
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("dfd: ")]
    assert "the weights of retinaface-resnet50 cannot be downloaded" in line
    assert "set faces.detector to retinaface-mobilenet" in line


def kill(process: subprocess.Popen[bytes]) -> None:
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive, "workers end with the flow"


def test_a_run_that_is_killed_continues(stage: Stage) -> None:
    process = stage.start()
    stage.wait_for(3, process)
    kill(process)
    before = stage.results()
    assert 3 <= len(before) < 14, "it was killed in the midst of it"
    assert stage.run() == 0
    assert stage.content() == stage.expected
    assert before.items() <= stage.results().items(), "nothing extracted is extracted again"


@pytest.mark.slow
@pytest.mark.parametrize("number", range(KILLS))
def test_a_run_killed_at_any_moment_continues(stage: Stage, number: int) -> None:
    rng = np.random.default_rng([SEED, number])
    process = stage.start()
    stage.wait_for(int(rng.integers(14)), process)
    try:
        process.wait(rng.uniform(0, 1))
    except subprocess.TimeoutExpired:
        kill(process)
    before = stage.results()
    assert stage.start().wait() == 0
    assert stage.content() == stage.expected
    assert before.items() <= stage.results().items(), "nothing extracted is extracted again"


def test_ctrl_c_ends_a_run_with_its_own_server_in_one_line(stage: Stage) -> None:
    environment = {**os.environ, "PYTHONPATH": str(stage.project.folder)}
    environment.pop("PREFECT_API_URL", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.faces"],
        cwd=stage.project.folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    stage.wait_for(3, process)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the server as well
    _, errors = process.communicate()
    assert process.returncode == 130
    after = errors[errors.index("dfd: interrupted") :]
    assert after.splitlines() == ["dfd: interrupted; run again, and it goes on from there"]
    assert not psutil.wait_procs(children, timeout=10)[1]
    assert stage.run() == 0
    assert stage.content() == stage.expected


def test_a_killed_worker_costs_nothing(stage: Stage) -> None:
    process = stage.start()
    stage.wait_for(3, process)
    workers = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if "answer_calls" in " ".join(child.cmdline())
    ]
    assert workers
    for worker in workers:
        worker.send_signal(signal.SIGKILL)
    assert process.wait() == 0
    assert stage.content() == stage.expected


def test_one_video_more_costs_one_and_one_less_leaves_no_trace(stage: Stage) -> None:
    project = stage.project
    table = json.loads((project.folder / "clips" / "metadata.json").read_text())
    name = next(name for name in table if "original" in table[name])
    (project.folder / "clips" / "metadata.json").write_text(
        json.dumps({video: entry for video, entry in table.items() if video != name})
    )
    try:
        assert project.command("run", "dataset").returncode == 0
        assert stage.run() == 0
        without, before = stage.content(), stage.results()
        assert name not in set(read_manifest(stage.output)["video"])
    finally:
        (project.folder / "clips" / "metadata.json").write_text(json.dumps(table))
    assert project.command("run", "dataset").returncode == 0
    assert stage.run() == 0
    assert stage.content() == stage.expected
    assert len(stage.results().keys() - before.keys()) == 1
    assert before.items() <= stage.results().items()
    changed = {file for file in without if without[file] != stage.expected[file]}
    assert len([file for file in changed if file.endswith(".tar")]) == 1


def test_a_changed_parameter_recomputes_all_and_a_changed_layout_of_shards_nothing(
    stage: Stage,
) -> None:
    assert stage.run() == 0
    before = stage.results()
    stage.project.change_params(lambda params: params["faces"].update(shards=3))
    assert stage.run() == 0
    assert stage.results() == before
    assert len(list(stage.output.glob("*.tar"))) == 3
    stage.project.change_params(lambda params: params["faces"].update(margin=0.3))
    assert stage.run() == 0
    assert len(stage.results()) == 2 * len(before)


def test_a_video_that_hangs_is_a_row_and_is_tried_again(stage: Stage) -> None:
    hung = next((stage.project.folder / "data" / "videos").glob("*.mp4"))
    hung.rename(hung.with_suffix(".away"))
    os.mkfifo(hung)  # opening it waits for ever
    stage.project.change_params(lambda params: params["workers"].update(time_limit_s=5))
    assert stage.run() == 0
    manifest = read_manifest(stage.output).set_index("video")
    assert manifest.loc[hung.name, "reason"] == "time_limit"
    assert "5 s" in manifest.loc[hung.name, "detail"]
    assert manifest["reason"].isna().sum() > 5, "the rest of the run completes"
    hung.unlink()
    hung.with_suffix(".away").rename(hung)
    assert stage.run() == 0
    assert stage.content() == stage.expected


@pytest.fixture
def cluster(stage: Stage) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A Dask scheduler and two workers as processes of their own."""
    folder = stage.project.folder
    environment = {**os.environ, "PYTHONPATH": str(folder), "PREFECT_API_URL": stage.project.api}
    file = folder / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker"]
    commands = [
        [*dask, "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
        *[[*worker, "--nthreads", "1", "--no-dashboard"]] * 2,
    ]
    options = {"cwd": folder, "env": environment, "stdout": subprocess.DEVNULL}
    processes = [
        subprocess.Popen(  # type: ignore[call-overload]
            [*command, "--scheduler-file", str(file)], stderr=subprocess.DEVNULL, **options
        )
        for command in commands
    ]
    while not file.exists():
        time.sleep(0.1)
    try:
        yield json.loads(file.read_text())["address"], processes[1:]
    finally:
        for process in processes:
            process.terminate()
            process.wait(30)


@pytest.mark.slow
def test_a_dask_cluster_that_loses_a_worker_gives_the_same_bytes(
    stage: Stage, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, workers = cluster
    stage.project.change_params(
        lambda params: params["workers"].update(runner="dask", dask_address=address)
    )
    process = stage.start()
    stage.wait_for(5, process)
    family = psutil.Process(workers[0].pid).children(recursive=True)
    for one in [psutil.Process(workers[0].pid), *family]:
        one.kill()
    assert process.wait() == 0
    assert stage.content() == stage.expected


@pytest.mark.slow
def test_a_dask_cluster_of_its_own_gives_the_same_bytes(stage: Stage) -> None:
    stage.project.change_params(lambda params: params["workers"].update(runner="dask"))
    assert stage.start().wait() == 0
    assert stage.content() == stage.expected


def test_a_scheduler_that_does_not_answer_is_one_line(stage: Stage) -> None:
    stage.project.change_params(
        lambda params: params["workers"].update(runner="dask", dask_address="tcp://127.0.0.1:9")
    )
    ended = stage.project.command("run", "faces")
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("dfd: workers.dask_address: no Dask scheduler")
