"""Worker processes for what decodes videos: one for each thread of tasks, or some for many files.

This imports no Prefect, so that a command may use it at no cost.
"""

import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from dfd.errors import VideoError, VideoGivenUp
from dfd.isolation import WorkerPool

if TYPE_CHECKING:
    from dfd.faces.looks import Looks

_LOOKS_LIMIT_S = 120  # sixteen frames of four seconds
_LOOKS_LIMIT_MB = 2048

_own = threading.local()


def thread_worker(time_limit_s: float, memory_limit_mb: int) -> WorkerPool:
    """Return this thread's worker process; the first call starts it and sets its limits."""
    if not hasattr(_own, "pool"):
        # Dask starts its workers as daemons, which may have no children; ours end with their pipe.
        multiprocessing.current_process().daemon = False
        spare_workers_the_program()
        _own.pool = WorkerPool(1, time_limit_s, memory_limit_mb)
    pool: WorkerPool = _own.pool
    return pool


def isolated_looks(folder: Path, videos: list[str]) -> Iterator[tuple[str, "Looks | None"]]:
    """Yield each video of ``folder`` with its ``read_looks``, None where it cannot be read.

    As many worker processes as there are cores decode them, and end with the last one.
    """
    if not videos:
        return
    from dfd.faces.looks import read_looks  # here: whoever only isolates need not pay for it

    spare_workers_the_program()
    workers = min(os.cpu_count() or 1, len(videos))

    def look(video: str) -> "Looks | None":
        try:
            return pool.run(read_looks, folder / video)
        except (VideoError, VideoGivenUp):
            return None

    with (
        WorkerPool(workers, _LOOKS_LIMIT_S, _LOOKS_LIMIT_MB) as pool,
        ThreadPoolExecutor(workers) as threads,
    ):
        try:
            yield from zip(videos, threads.map(look, videos), strict=True)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def spare_workers_the_program() -> None:
    """Have workers not import this program again, with Prefect and all, to no use."""
    main = sys.modules["__main__"]
    main.__spec__, main.__file__ = None, None
