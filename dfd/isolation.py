"""Worker processes for code that may crash, hang or balloon on a hostile file.

A call that does costs itself alone: its process is stopped and replaced, and the caller gets
``VideoGivenUp``. Processes are spawned, so they inherit no threads and no memory.
"""

import multiprocessing
import signal
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from threading import Lock
from types import TracebackType
from typing import Any, Self, TypeVar

from pebble import ProcessExpired, ProcessPool

from dfd.errors import VideoGivenUp

T = TypeVar("T")

_ATTEMPTS = 3  # at a call whose process dies before it has begun


class WorkerPool:
    """Runs calls in ``workers`` processes, one at a time in each; threads may share it.

    Args:
        workers: Number of processes; they start with the first call.
        time_limit_s: Seconds of wall-clock time a call may take once it runs.
        memory_limit_mb: Memory of its own, in 2**20 bytes, that a process may have. Enforced on
            Linux (``RLIMIT_DATA``); elsewhere only the time limit is.
    """

    def __init__(self, workers: int, time_limit_s: float, memory_limit_mb: int) -> None:
        self._workers = workers
        self._time_limit_s, self._memory_limit_mb = time_limit_s, memory_limit_mb
        self._renewing = Lock()
        self._pool = self._new_pool()

    def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what a module-level ``function`` returns; its exceptions come through.

        Raises:
            VideoGivenUp: It took too long or too much memory, or its process died.
        """
        for _ in range(_ATTEMPTS):
            pool = self._pool
            try:
                future = pool.schedule(function, args=arguments, timeout=self._time_limit_s)
            except RuntimeError:  # it broke between two calls
                self._renew(pool)
                continue
            try:
                result: T = future.result()
            except BrokenExecutor:
                self._renew(pool)  # a process died that had nothing to do; the call is innocent
            except TimeoutError as error:
                limit = f"{self._time_limit_s:g} s"
                raise VideoGivenUp("time_limit", f"took longer than {limit}") from error
            except MemoryError as error:
                limit = f"{self._memory_limit_mb} MB"
                raise VideoGivenUp("memory_limit", f"needed more than {limit}") from error
            except ProcessExpired as error:
                how = _death(error.exitcode)
                raise VideoGivenUp("crash", f"its process died ({how})") from error
            else:
                return result
        raise VideoGivenUp("crash", "its process keeps dying before it begins")

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._workers,
            context=multiprocessing.get_context("spawn"),
            initializer=_limit_memory,
            initargs=[self._memory_limit_mb],
        )

    def _renew(self, broken: ProcessPool) -> None:
        with self._renewing:
            if self._pool is broken:
                _stop(broken)
                self._pool = self._new_pool()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the processes, whatever they do."""
        _stop(self._pool)


def _stop(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()


def _limit_memory(megabytes: int) -> None:
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 2**20,) * 2)


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"
