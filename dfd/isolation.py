"""Worker processes for code that may crash, hang or balloon on a hostile file.

A call that does costs itself alone: its process is stopped and replaced, and the caller gets
``VideoGivenUp``. Processes are spawned, so they inherit no threads and no memory.
"""

import multiprocessing
import signal
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Future
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar

from pebble import ProcessExpired, ProcessPool
from pebble.common.types import CONSTS

from dfd.errors import VideoGivenUp

T = TypeVar("T")

# Results wake their thread at once; this is how often a pool looks for calls past their time limit,
# and at ten times a second an idle one takes half a percent of a core.
CONSTS.sleep_unit = 0.5

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
        self._time_limit_s, self._memory_limit_mb = time_limit_s, memory_limit_mb
        # A pool of its own for each: processes of one pool share a lock that a killed one keeps.
        self._pools = [self._new_pool() for _ in range(workers)]
        self._free: SimpleQueue[int] = SimpleQueue()
        self._running: set[Future[Any]] = set()
        self._left = False
        for worker in range(workers):
            self._free.put(worker)

    def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what a module-level ``function`` returns; its exceptions come through.

        Raises:
            VideoGivenUp: It took too long or too much memory, or its process died.
            CancelledError: The pool was left meanwhile.
        """
        worker = self._free.get()
        try:
            for _ in range(_ATTEMPTS):
                try:
                    future = self._pools[worker].schedule(
                        function, args=arguments, timeout=self._time_limit_s
                    )
                except RuntimeError:  # the process died while it had nothing to do
                    self._renew(worker)
                    continue
                self._running.add(future)
                try:
                    result: T = future.result()
                except BrokenExecutor:  # likewise
                    self._renew(worker)
                    continue
                finally:
                    self._running.discard(future)
                return result
        except TimeoutError as error:
            limit = f"{self._time_limit_s:g} s"
            raise VideoGivenUp("time_limit", f"took longer than {limit}") from error
        except MemoryError as error:
            limit = f"{self._memory_limit_mb} MB"
            raise VideoGivenUp("memory_limit", f"needed more than {limit}") from error
        except ProcessExpired as error:
            how = _death(error.exitcode)
            raise VideoGivenUp("crash", f"its process died ({how})") from error
        finally:
            self._free.put(worker)
        raise VideoGivenUp("crash", "its process keeps dying before it begins")

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=1,
            context=multiprocessing.get_context("spawn"),
            initializer=_limit_memory,
            initargs=[self._memory_limit_mb],
        )

    def _renew(self, worker: int) -> None:
        if self._left:
            raise CancelledError
        _stop(self._pools[worker])
        self._pools[worker] = self._new_pool()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the processes, whatever they do; threads that wait for one are let go."""
        self._left = True
        for pool in self._pools:
            _stop(pool)
        for future in list(self._running):
            future.cancel()


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
