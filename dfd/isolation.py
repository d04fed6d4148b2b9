"""Worker processes for code that may crash, hang or take too much memory on a hostile file.

Such a call fails alone: its process is stopped and replaced, and the caller gets ``VideoGivenUp``.
Processes are spawned, so they inherit neither threads nor memory.
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

# Results wake their thread at once; this is how often a pool looks for calls past their time limit,
# and at ten times a second an idle one takes half a percent of a core.
CONSTS.sleep_unit = 0.5

_ATTEMPTS = 3  # at a call whose process dies before it has begun
_AHEAD = 4  # results a worker may finish before the caller takes them


@dataclass(frozen=True)
class Limits:
    """What one file may take.

    Attributes:
        time_s: Seconds of wall-clock time.
        memory_mb: Memory, in 2**20 bytes.
    """

    time_s: float
    memory_mb: int


class WorkerPool:
    """Runs calls in ``workers`` processes, one at a time in each; threads may share it.

    Args:
        workers: Number of processes; they start with the first call.
        limits: Time that a call may take once it runs, and private memory of a process. Memory is
            limited on Linux only (``RLIMIT_DATA``); elsewhere only the time limit is enforced.
    """

    def __init__(self, workers: int, limits: Limits) -> None:
        self._limits = limits
        skip_main_reimport()
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
                        function, args=arguments, timeout=self._limits.time_s
                    )
                except RuntimeError:  # the process died while it had nothing to do
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
            self._free.put(worker)
        raise VideoGivenUp("crash", "its process keeps dying before it begins")

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=1,
            context=multiprocessing.get_context("spawn"),
            initializer=_limit_memory,
            initargs=[self._limits.memory_mb],
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


def for_each(
    work: Callable[[WorkerPool, T], R],
    items: Sequence[T],
    limits: Limits,
    ended: Callable[[int], None] = lambda given_up: None,
) -> Iterator[tuple[T, R | VideoGivenUp]]:
    """Do some work for each item in worker processes, one process a core, and yield the results.

    Args:
        work: Called in a thread with the pool and an item; it gives the pool what may crash or
            hang. Its exceptions other than ``VideoGivenUp`` come through and end the iteration.
        items: What to work on.
        limits: Of each call that ``work`` gives the pool.
        ended: Called from several threads whenever an item is done, with the number of items that
            were given up so far.

    Yields:
        Each item in its order with what ``work`` returned, or with the ``VideoGivenUp`` it raised.

    When the caller stops early, running calls are stopped and the rest is not begun.
    """
    if not items:
        return
    workers = min(os.cpu_count() or 1, len(items))
    given_up: list[T] = []

    def one(item: T) -> R | VideoGivenUp:
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
                begun.append((item, threads.submit(one, item)))
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
    """Keep spawned workers from importing the main program again, with Prefect and all.

    ``multiprocessing`` makes each spawned process import ``__main__``, which costs a worker a
    second and 80 MB and gives it nothing.
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
