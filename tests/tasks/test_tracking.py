"""What is logged to MLflow, on real SQLite, whatever happens to it."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from dfd.errors import TrackingError
from tasks.tracking import EpochLog, connect, start_run
from tests.data import ROOT
from tests.stores import locked, new_store


def test_an_experiment_of_a_sweep_is_a_run_of_its_name_in_the_store_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / ".dvc" / "tmp" / "exps" / "tmp1"  # where DVC runs a queued experiment
    elsewhere.mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "set, so that its absence is restored, too")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    client = connect()
    for name, candidate in (("usual-owls", "small"), (None, "smaller")):
        if name:
            monkeypatch.setenv("DVC_EXP_NAME", name)
        else:
            monkeypatch.delenv("DVC_EXP_NAME")
        run = client.get_run(start_run(client, candidate, {}, leaky=False))
        assert run.info.run_name == (name or candidate)
        assert run.data.tags["candidate"] == candidate
        assert run.info.artifact_uri.startswith((tmp_path / "mlruns" / "artifacts").as_uri())
    assert (tmp_path / "mlruns" / "mlflow.db").exists()
    assert not (elsewhere / "mlruns").exists()


KILLED_AT_A_MIGRATION = """
import os, signal
from sqlalchemy import event
from sqlalchemy.engine import Engine

@event.listens_for(Engine, "after_cursor_execute")
def kill(connection, cursor, statement, *others):
    if "ADD COLUMN step" in statement:
        os.kill(os.getpid(), signal.SIGKILL)

from tasks.tracking import connect
connect().search_experiments()
"""


@pytest.fixture
def run_id(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Return a run in a new store, ``mlruns/mlflow.db`` in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlruns").mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", new_store(tmp_path_factory, tmp_path / "mlruns"))
    return start_run(connect(), "small", {}, leaky=False)


def epochs_of(run_id: str) -> list[int]:
    return [metric.step for metric in MlflowClient().get_metric_history(run_id, "loss")]


def test_an_epoch_that_a_locked_store_refuses_is_logged_with_the_next(
    run_id: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    epochs = EpochLog(run_id)
    assert epochs.add({"loss": 0.7}, 1)
    with locked(tmp_path / "mlruns" / "mlflow.db", 600):
        assert epochs.add({"loss": 0.6}, 2)
    (warned,) = [record.getMessage() for record in caplog.records if record.name == "dfd"]
    assert warned.startswith(
        "epoch 2 is to be logged later: mlruns/mlflow.db: MLflow's store fails ("
    )
    assert "\n" not in warned
    assert epochs_of(run_id) == [1]
    assert epochs.add({"loss": 0.5}, 3)
    epochs.finish()
    assert sorted(epochs_of(run_id)) == [1, 2, 3]
    assert not EpochLog(run_id).add({"loss": 0.6}, 2), "it is known"


@pytest.mark.slow
def test_a_store_that_is_locked_for_a_minute_is_waited_for(run_id: str, tmp_path: Path) -> None:
    tag = (
        "import sys\n"
        "from tasks.tracking import connect\n"
        "connect().set_tag(sys.argv[1], 'waited', 'yes')\n"
    )
    with locked(tmp_path / "mlruns" / "mlflow.db", 60):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", tag, run_id], env=environment, check=True)
    assert connect().get_run(run_id).data.tags["waited"] == "yes"


def test_a_store_that_is_damaged_is_one_line(run_id: str, tmp_path: Path) -> None:
    database = tmp_path / "mlruns" / "mlflow.db"
    database.write_bytes(database.read_bytes()[:1000] + bytes(200_000))
    refusal = r"^mlruns/mlflow\.db: MLflow's store fails \(.*(malformed|not a database)"
    with pytest.raises(TrackingError, match=refusal) as refused:
        connect().set_tag(run_id, "after", "the damage")
    assert "\n" not in str(refused.value)


def test_a_file_that_the_store_has_no_room_for_is_one_line(run_id: str, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(bytes(20_000_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000_000, hard))
    refusal = r"^mlruns/mlflow\.db: MLflow's store fails \(.*File too large.*make room"
    try:
        with pytest.raises(TrackingError, match=refusal) as refused:
            connect().log_artifact(run_id, str(picture))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(refused.value)


def test_a_folder_that_cannot_hold_a_store_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "set, so that its absence is restored, too")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    (tmp_path / "mlruns").write_text("a file")
    with pytest.raises(TrackingError, match=r"^mlruns: cannot be written \(.*make room"):
        connect()


def test_a_store_that_was_killed_while_it_was_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "set, so that its absence is restored, too")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT_A_MIGRATION],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert list(tmp_path.glob("mlruns/*.db")), "it was killed in the midst of it"
    assert connect().search_experiments()
    assert not list(tmp_path.glob("mlruns/.*")), "what the killed process has left is swept"
