"""Where and how many tasks run at once, whatever their number."""

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from dfd.errors import FacesError
from dfd.params import FacesParams

T = TypeVar("T")

THREADS = os.cpu_count() or 1
_SUBMITTED = 256  # enough for as many workers of a cluster


def task_runner(params: FacesParams) -> TaskRunner[Any]:
    """Return what the parameters ask for: threads here, a Dask cluster, or one of its own here.

    Raises:
        FacesError: No Dask scheduler answers at the address.
    """
    if params.runner == "threads":
        return ThreadPoolTaskRunner(max_workers=THREADS)
    # Imported here: Dask costs a second that only its users need pay.
    import dask
    from distributed import Client
    from prefect_dask.task_runners import DaskTaskRunner

    if params.dask_address is None:
        cluster = {"n_workers": THREADS, "threads_per_worker": 1, "dashboard_address": None}
        return DaskTaskRunner(cluster_kwargs=cluster)
    try:
        with dask.config.set({"distributed.comm.timeouts.connect": "5s"}):
            Client(params.dask_address, set_as_default=False).close()  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise FacesError(
            f"faces.dask_address: no Dask scheduler answers at {params.dask_address}; start "
            "`dask scheduler`, mend the address, or set it to null for a cluster of its own"
        ) from error
    return DaskTaskRunner(address=params.dask_address)


def as_they_end(
    submit: Callable[[T], PrefectFuture[Any]], items: Iterable[T]
) -> Iterator[tuple[T, PrefectFuture[Any]]]:
    """Yield each item with its ended future, submitting the next as others end.

    Only so many futures are held at a time, so that a million items cost no more memory than some
    hundred.
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
