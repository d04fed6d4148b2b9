"""A process that calls functions for its parent, within limits, and tells what came of each call.

The two talk in pickles over the standard input and output of the process. For each call the parent
sends the function and its arguments, and the process answers twice: when it begins, and when the
call has ended. It ends itself when its parent has gone.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

from dfd.errors import DfdError, VideoGivenUp, WorkerError
from dfd.words import displayed

_SECRETS = ("DFD_TOKEN",)  # variables that code which reads a stranger's file must not see
_FILE_BYTES = 2**30  # of one file that a process writes
_PROCESSES = 2**13  # of the user, threads included: no file makes the machine run out of them
_LONGEST = 200  # characters of an exception's message
# What libraries say when memory ran out, where they do not raise MemoryError.
_NO_MEMORY = ("bad_alloc", "Insufficient memory", "Cannot allocate memory", "start new thread")
_GONE = (OSError, EOFError, pickle.UnpicklingError)  # reading from a process that has died


@dataclass(frozen=True)
class Outcome:
    """What a call came to.

    Attributes:
        value: The value that the function returned.
        error: What to raise instead: an error of this project that the function raised, or
            ``VideoGivenUp`` for any other exception.
        sound: Whether the process can take another call. After an exception that nobody foresaw,
            its memory may be full or in any state.
    """

    value: Any = None
    error: DfdError | None = None
    sound: bool = True


class ProcessLost(Exception):
    """The process died, or was killed at the end of its time.

    Attributes:
        how: The signal or exit code, such as ``SIGSEGV``.
        late: Whether it was killed because its time was over.
    """

    def __init__(self, how: str, late: bool) -> None:
        super().__init__(how, late)
        self.how, self.late = how, late


class WorkerProcess:
    """One process, started at once; it takes one call at a time, from one thread.

    Its environment is that of this process without ``DFD_TOKEN``. It leaves no core file. On
    Linux its private memory is limited, the files that it writes to 1 GB each, and the processes
    and threads of its user to 8,192.

    Args:
        memory_mb: Private memory that it may use, in units of 2**20 bytes.
    """

    def __init__(self, memory_mb: int) -> None:
        begin = (
            f"import sys; sys.path[:] = {sys.path!a}; "
            f"from dfd.worker_process import answer_calls; answer_calls({memory_mb})"
        )
        environment = {name: text for name, text in os.environ.items() if name not in _SECRETS}
        self._process = subprocess.Popen(
            [sys.executable, "-c", begin],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._requests: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout
        weakref.finalize(self, self._process.kill)  # at the latest when this program ends

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def begin(self, request: bytes, within_s: float) -> None:
        """Send a call and wait until it has begun, and so until its modules are imported.

        Args:
            request: A pickled pair of a function and its arguments.
            within_s: Seconds after which the process is killed.

        Raises:
            ProcessLost: The process died, or did not begin in time.
            WorkerError: It cannot unpickle the function or its arguments.
        """
        with self._killed_after(within_s) as late:
            try:
                self._requests.write(request)
                self._requests.flush()
                refusal = pickle.load(self._answers)
            except _GONE as error:
                raise self._lost(late) from error
        if refusal is not None:
            raise WorkerError(f"a worker process cannot begin ({refusal}); check the installation")

    def outcome(self, within_s: float) -> Outcome:
        """Return what the call that has begun comes to.

        Args:
            within_s: Seconds after which the process is killed.

        Raises:
            ProcessLost: The process died, or was killed at the end of its time.
        """
        with self._killed_after(within_s) as late:
            try:
                outcome: Outcome = pickle.load(self._answers)
            except _GONE as error:
                raise self._lost(late) from error
            except Exception as error:  # such as a class that another version of the code lacks
                return Outcome(error=VideoGivenUp("crash", _told(error)), sound=False)
        return outcome

    def stop(self) -> None:
        """Kill the process and wait until it has ended; any thread may do so at any time."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Stop the process and close its pipes; only the thread that uses it may do so."""
        self.stop()
        for pipe in (self._requests, self._answers):
            with suppress(OSError):  # it has not read everything that was sent
                pipe.close()

    @contextmanager
    def _killed_after(self, seconds: float) -> Iterator[threading.Event]:
        """Kill the process unless the block ends in time; yield whether that has happened.

        A thread's timer follows a monotonic clock, so it does not matter if the hour is changed.
        """
        late = threading.Event()

        def kill() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(min(threading.TIMEOUT_MAX, seconds), kill)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()

    def _lost(self, late: threading.Event) -> ProcessLost:
        self.stop()
        code = self._process.returncode
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return ProcessLost(how, late.is_set())


def answer_calls(memory_mb: int) -> None:
    """Answer the calls of the parent until it closes the pipe; the whole life of the process.

    Args:
        memory_mb: Private memory that this process may use, in units of 2**20 bytes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends this
    # Whatever else reads standard input or writes to standard output must not disturb the pipes.
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    _limit(memory_mb)
    while True:
        try:
            function, arguments = pickle.load(requests)
        except EOFError:
            return
        except Exception as error:
            _answer(answers, _told(error))
            return
        _answer(answers, None)
        _answer(answers, _outcome(function, arguments, memory_mb))


def _answer(answers: IO[bytes], content: Any) -> None:
    answers.write(content if isinstance(content, bytes) else pickle.dumps(content))
    answers.flush()


def _outcome(function: Callable[..., Any], arguments: tuple[Any, ...], memory_mb: int) -> bytes:
    """Call the function and return the pickled ``Outcome``, whatever happens."""
    try:
        return pickle.dumps(Outcome(function(*arguments)))
    except DfdError as error:
        return pickle.dumps(Outcome(error=error))
    except BaseException as error:
        if os.environ.get("DFD_DEBUG"):
            traceback.print_exc()
        if isinstance(error, MemoryError) or any(text in str(error) for text in _NO_MEMORY):
            given_up = VideoGivenUp("memory_limit", f"needed more than {memory_mb} MB")
        else:
            given_up = VideoGivenUp("crash", _told(error))
        return pickle.dumps(Outcome(error=given_up, sound=False))


def _told(error: BaseException) -> str:
    """Return the name of an exception and its message, on one line."""
    message = displayed(" ".join(str(error).split()), _LONGEST)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _limit(memory_mb: int) -> None:
    """Set the limits of this process; one that is lower already stays."""
    if sys.platform != "linux":
        return
    import resource

    limits = {
        resource.RLIMIT_DATA: memory_mb * 2**20,
        resource.RLIMIT_FSIZE: _FILE_BYTES,
        resource.RLIMIT_NPROC: _PROCESSES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        known = [limit for limit in resource.getrlimit(kind) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(kind, (min(most, *known),) * 2 if known else (most, most))
