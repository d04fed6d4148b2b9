"""Worker processes for code that may crash, hang or take too much memory on a hostile file.

Only the call for that file fails: its process is stopped and replaced, and the caller gets
``VideoGivenUp``. Processes are spawned rather than forked, so they inherit neither threads nor
memory.
"""

import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar

from pebble import ProcessExpired, ProcessPool
from pebble.common.types import CONSTS

from dfd.errors import VideoGivenUp

T = TypeVar("T")
R = TypeVar("R")

# Seconds between a pool's checks for calls that exceed their time limit. With the default of 0.1 s
# an idle pool takes half a percent of a core. Results do not wait for it: they wake their thread.
CONSTS.sleep_unit = 0.5

_ATTEMPTS = 3  # for a call whose process dies before the call begins
_AHEAD = 4  # finished results per worker that may wait for the caller


@dataclass(frozen=True)
class Limits:
    """The time and memory that the work on one file may take.

    Attributes:
        time_s: Wall-clock time in seconds.
        memory_mb: Memory in units of 2**20 bytes.
    """

    time_s: float
    memory_mb: int


class WorkerPool:
    """Runs calls in worker processes, one call at a time in each; several threads may share a pool.

    Use it as a context manager: leaving the block stops the processes.

    Args:
        workers: Number of processes; they start with the first call.
        limits: The time that a call may take once it has begun, and the private memory that a
            process may use. Memory is limited on Linux only (``RLIMIT_DATA``); on other systems
            only the time limit holds.
    """

    def __init__(self, workers: int, limits: Limits) -> None:
        self._limits = limits
        skip_main_reimport()
        # One pool per process: processes of one pool share a lock that a killed one never frees.
        self._pools = [self._new_pool() for _ in range(workers)]
        self._idle: SimpleQueue[int] = SimpleQueue()
        self._running: set[Future[Any]] = set()
        self._closed = False
        for worker in range(workers):
            self._idle.put(worker)

    def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function in a worker process and return its result.

        Args:
            function: A function at the top level of a module, so that it can be pickled. Its
                exceptions reach the caller.
            arguments: Its positional arguments, which must be picklable.

        Raises:
            VideoGivenUp: The call exceeded a limit, or its process died.
            CancelledError: The block of the pool was left before the call ended.
        """
        worker = self._idle.get()
        try:
            for _ in range(_ATTEMPTS):
                try:
                    future = self._pools[worker].schedule(
                        function, args=arguments, timeout=self._limits.time_s
                    )
                except RuntimeError:  # the process died while it was idle
                    self._renew(worker)
                    continue
                self._running.add(future)
                try:
                    result: T = future.result()
                except BrokenExecutor:  # the process died before it took the call
                    self._renew(worker)
                    continue
                finally:
                    self._running.discard(future)
                return result
        except TimeoutError as error:
            limit = f"{self._limits.time_s:g} s"
            raise VideoGivenUp("time_limit", f"took longer than {limit}") from error
        except MemoryError as error:
            limit = f"{self._limits.memory_mb} MB"
            raise VideoGivenUp("memory_limit", f"needed more than {limit}") from error
        except ProcessExpired as error:
            how = _death(error.exitcode)
            raise VideoGivenUp("crash", f"its process died ({how})") from error
        finally:
            self._idle.put(worker)
        raise VideoGivenUp("crash", "its process keeps dying before it begins")

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=1,
            context=multiprocessing.get_context("spawn"),
            initializer=_limit_memory,
            initargs=[self._limits.memory_mb],
        )

    def _renew(self, worker: int) -> None:
        if self._closed:
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
        """Stop the processes at once; calls that wait for a result raise ``CancelledError``."""
        self._closed = True
        for pool in self._pools:
            _stop(pool)
        for future in list(self._running):
            future.cancel()


def for_each(
    work: Callable[[WorkerPool, T], R],
    items: Sequence[T],
    limits: Limits,
    ended: Callable[[int], None] = lambda given_up: None,
) -> Iterator[tuple[T, R | VideoGivenUp]]:
    """Work on many items at once, with one worker process per core, and yield the results in order.

    When the caller stops iterating early, running calls are stopped and the other items are never
    begun.

    Args:
        work: Called in a thread with the pool and an item. It passes the calls that may crash or
            hang to ``pool.run``. An exception other than ``VideoGivenUp`` ends the iteration and
            reaches the caller.
        items: The items to work on.
        limits: Limits of each call in a worker process.
        ended: Called from several threads after each item, with the number of items given up so
            far.

    Yields:
        Each item with the result of ``work``, or with the ``VideoGivenUp`` that it raised.
    """
    if not items:
        return
    workers = min(os.cpu_count() or 1, len(items))
    given_up: list[T] = []

    def work_on(item: T) -> R | VideoGivenUp:
        result: R | VideoGivenUp
        try:
            result = work(pool, item)
        except VideoGivenUp as error:
            given_up.append(item)
            result = error
        ended(len(given_up))
        return result

    with ThreadPoolExecutor(workers) as threads, WorkerPool(workers, limits) as pool:
        begun: deque[tuple[T, Future[R | VideoGivenUp]]] = deque()
        try:
            for item in items:
                begun.append((item, threads.submit(work_on, item)))
                if len(begun) > _AHEAD * workers:
                    first, future = begun.popleft()
                    yield first, future.result()
            while begun:
                first, future = begun.popleft()
                yield first, future.result()
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def skip_main_reimport() -> None:
    """Keep worker processes from importing the main program, which may load Prefect and more.

    ``multiprocessing`` makes each spawned process import ``__main__``. A worker does not need it,
    and the import would take a second and 80 MB in each.
    """
    main = sys.modules["__main__"]
    main.__spec__, main.__file__ = None, None


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
