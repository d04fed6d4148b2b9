from pathlib import Path

import pytest

from tasks.tracking import connect, start_run


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
