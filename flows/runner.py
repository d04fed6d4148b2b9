"""Where tasks run (threads or Dask), and how many of them are submitted at a time."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from prefect.client.orchestration import get_client
from prefect.futures import PrefectFuture
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from dfd.errors import FacesError
from dfd.extras import install_command
from dfd.params.workers import WorkerParams

T = TypeVar("T")

THREADS = os.cpu_count() or 1
_AWAITED_S = 30
_SUBMITTED = 256  # tasks submitted at a time; a cluster uses at most as many workers


def task_runner(params: WorkerParams) -> TaskRunner[Any]:
    """Return the task runner that the section ``workers`` asks for: threads, or a Dask cluster.

    Raises:
        FacesError: Dask is not installed, no scheduler answers at the address, or it has no worker.
    """
    if params.runner == "threads":
        return ThreadPoolTaskRunner(max_workers=THREADS)
    # Imported here: Dask takes a second to import, and only its users should wait for it.
    try:
        import dask
        from distributed import Client
        from prefect_dask.task_runners import DaskTaskRunner
    except ModuleNotFoundError as error:
        raise FacesError(
            f"workers.runner: dask needs {error.name}, which is not installed; "
            f"{install_command('dask')}, or set it to threads"
        ) from error

    if params.dask_address is None:
        cluster = {"n_workers": THREADS, "threads_per_worker": 1, "dashboard_address": None}
        return DaskTaskRunner(cluster_kwargs=cluster)
    try:
        with (
            dask.config.set({"distributed.comm.timeouts.connect": "5s"}),
            Client(params.dask_address, set_as_default=False) as client,  # type: ignore[no-untyped-call]
        ):
            _await_worker(client, params.dask_address)
    except (OSError, ValueError) as error:
        raise FacesError(
            f"workers.dask_address: no Dask scheduler answers at {params.dask_address}; start "
            "`dask scheduler`, mend the address, or set it to null for a cluster of its own"
        ) from error
    return DaskTaskRunner(address=params.dask_address)


def _await_worker(client: Any, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=_AWAITED_S)
    except TimeoutError as error:
        raise FacesError(
            f"workers.dask_address: no worker has joined {address} in {_AWAITED_S} s; start "
            f"`dask worker {address}` in the project's folder"
        ) from error


@contextmanager
def shared_server(params: WorkerParams) -> Iterator[None]:
    """Let workers in other processes use this program's Prefect server, while the context lasts.

    Without its address, each worker would start a server of its own that nobody ends.

    Raises:
        FacesError: The Dask scheduler has left.
    """
    if params.runner == "threads":
        yield
        return
    from distributed import CancelledError

    address = str(get_client(sync_client=True).api_url)
    try:
        with temporary_settings({PREFECT_API_URL: address}):
            yield
    except CancelledError as error:
        raise FacesError(
            f"workers.dask_address: the Dask scheduler at {params.dask_address} has left; start it "
            "again, and run again: what is extracted stays"
        ) from error


def as_they_end(
    submit: Callable[[T], PrefectFuture[Any]], items: Iterable[T]
) -> Iterator[tuple[T, PrefectFuture[Any]]]:
    """Submit a task for each item, and yield each item with its future when the task has ended.

    At most 256 futures are held at a time, so that a million items need no more memory than some
    hundred.

    Args:
        submit: Function that submits the task of an item.
        items: The items, in the order of submission; they are yielded as their tasks end.
    """
    ended: SimpleQueue[tuple[T, PrefectFuture[Any]]] = SimpleQueue()
    running = 0
    for item in items:
        if running >= _SUBMITTED:
            yield ended.get()
            running -= 1
        submit(item).add_done_callback(partial(_put, ended, item))
        running += 1
    for _ in range(running):
        yield ended.get()


def _put(ended: SimpleQueue[tuple[T, Any]], item: T, future: Any) -> None:
    ended.put((item, future))
