"""A worker process of its own for each thread that runs tasks, here or in a Dask worker."""

import multiprocessing
import sys
import threading

from dfd.isolation import WorkerPool

_own = threading.local()


def thread_worker(time_limit_s: float, memory_limit_mb: int) -> WorkerPool:
    """Return this thread's worker process; the first call starts it and sets its limits."""
    if not hasattr(_own, "pool"):
        # Dask starts its workers as daemons, which may have no children; ours end with their pipe.
        multiprocessing.current_process().daemon = False
        # A worker would import this program again, with Prefect and all, to no use.
        main = sys.modules["__main__"]
        main.__spec__, main.__file__ = None, None
        _own.pool = WorkerPool(1, time_limit_s, memory_limit_mb)
    pool: WorkerPool = _own.pool
    return pool
