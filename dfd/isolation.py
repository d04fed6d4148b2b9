"""Worker processes for code that may crash, hang or take too much memory on a hostile file.

Only the call for that file fails: its process is stopped and replaced, and the caller gets
``VideoGivenUp``. A process is a fresh interpreter, so it inherits neither threads nor memory.
"""

import os
import pickle
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Self, TypeVar

from dfd.errors import VideoGivenUp, WorkerError
from dfd.worker_process import ProcessLost, WorkerProcess

T = TypeVar("T")
R = TypeVar("R")

_ATTEMPTS = 3  # for a call whose process is lost before the call begins
_BEGIN_S = 60  # for a process to start and to import what the call needs
_AHEAD = 4  # finished results per worker that may wait for the caller


@dataclass(frozen=True)
class Limits:
    """The time and memory that the work on one file may take.

    Attributes:
        time_s: Time in seconds, by a clock that nobody can set.
        memory_mb: Memory in units of 2**20 bytes.
    """

    time_s: float
    memory_mb: int


class WorkerPool:
    """Runs calls in worker processes, one call at a time in each; several threads may share a pool.

    Use it as a context manager: leaving the block stops the processes.

    Args:
        workers: Number of processes; each starts with its first call.
        limits: The time that a call may take once it has begun, and the private memory that a
            process may use. Memory is limited on Linux only (``RLIMIT_DATA``); on other systems
            only the time limit holds. Where this process may use less memory itself, its own limit
            holds.
    """

    def __init__(self, workers: int, limits: Limits) -> None:
        self._time_s, self._memory_mb = limits.time_s, _most_memory(limits.memory_mb)
        self._idle: SimpleQueue[WorkerProcess | None] = SimpleQueue()  # None: not started yet
        self._processes: set[WorkerProcess] = set()
        self._lock = threading.Lock()
        self._closed = False
        for _ in range(workers):
            self._idle.put(None)

    def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a function in a worker process and return its result.

        Args:
            function: A function at the top level of a module, so that it can be pickled. An error
                of this project (``DfdError``) that it raises reaches the caller.
            arguments: Its positional arguments, which must be picklable.

        Raises:
            VideoGivenUp: The call exceeded a limit, its process died, or it raised an exception
                that is no error of this project; then ``detail`` names the exception.
            WorkerError: No process can be started, or each ends before it begins.
            CancelledError: The block of the pool was left before the call ended.
        """
        request = pickle.dumps((function, arguments))
        process, sound = self._idle.get(), False
        try:
            process = self._begin(process, request)
            outcome = process.outcome(self._time_s)
            sound = outcome.sound
        except ProcessLost as lost:
            raise self._given_up(lost) from lost
        finally:
            if not sound:
                self._end(process)
            self._idle.put(process if sound else None)
        if outcome.error:
            raise outcome.error
        value: T = outcome.value
        return value

    def _begin(self, process: WorkerProcess | None, request: bytes) -> WorkerProcess:
        """Return a process that has begun the call; one that was lost while idle is replaced."""
        how = ""
        for _ in range(_ATTEMPTS):
            process = process or self._start()
            try:
                process.begin(request, _BEGIN_S)
                return process
            except ProcessLost as lost:
                how = f"does not begin in {_BEGIN_S} s" if lost.late else f"ends with {lost.how}"
                self._end(process)
                process = None
        raise WorkerError(f"each worker process {how}; is the machine short of memory?")

    def _given_up(self, lost: ProcessLost) -> VideoGivenUp | CancelledError:
        if self._closed:
            return CancelledError()
        if lost.late:
            return VideoGivenUp("time_limit", f"took longer than {self._time_s:g} s")
        return VideoGivenUp("crash", f"its process died ({lost.how})")

    def _start(self) -> WorkerProcess:
        with self._lock:
            if self._closed:
                raise CancelledError
            try:
                process = WorkerProcess(self._memory_mb)
            except OSError as error:
                raise WorkerError(
                    f"no worker process can be started ({error.strerror}); close other programs"
                ) from error
            self._processes.add(process)
        return process

    def _end(self, process: WorkerProcess | None) -> None:
        if process:
            process.close()
            with self._lock:
                self._processes.discard(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        """Stop the processes at once; calls that wait for a result raise ``CancelledError``."""
        with self._lock:
            self._closed = True
        for process in self._processes.copy():
            process.stop()


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


def _most_memory(megabytes: int) -> int:
    """Return the memory in MB that a worker process may use, at most what this one may use."""
    if sys.platform != "linux":
        return megabytes
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_DATA)
    own = sys.maxsize if soft == resource.RLIM_INFINITY else soft
    return min(megabytes, own // 2**20)
