import pytest
from distributed import LocalCluster

from dfd.errors import FacesError
from dfd.params.section import load_section
from dfd.params.workers import WorkerParams
from flows import runner


def dask(address: str) -> WorkerParams:
    changes = {"runner": "dask", "dask_address": address}
    return load_section(WorkerParams).model_copy(update=changes)


def test_a_scheduler_without_workers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_AWAITED_S", 1)
    with LocalCluster(n_workers=0, dashboard_address=None) as cluster:
        told = rf"no worker has joined {cluster.scheduler_address} in 1 s; start `dask worker"
        with pytest.raises(FacesError, match=told):
            runner.task_runner(dask(cluster.scheduler_address))


def test_an_address_without_a_scheduler_is_named() -> None:
    with pytest.raises(FacesError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9;"):
        runner.task_runner(dask("tcp://127.0.0.1:9"))
