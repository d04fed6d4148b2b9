"""Calls that crash, hang or balloon in their worker process."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from dfd import isolation
from dfd.errors import ParamsError, VideoGivenUp, WorkerError
from dfd.isolation import Limits, WorkerPool
from tests.data import ROOT

LIMIT_MB = 700


def process_id() -> int:
    return os.getpid()


def crash() -> None:
    ctypes.string_at(0)


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hang() -> None:
    time.sleep(600)


def hang_in_c() -> None:
    ctypes.PyDLL(None).sleep(600)  # PyDLL keeps the interpreter's lock, as a stuck decoder may


def balloon() -> int:
    return int(np.ones(2 * LIMIT_MB * 2**20, np.uint8).sum())


def fill_up() -> int:
    held = np.ones(LIMIT_MB // 2 * 2**20, np.uint8)  # as a decoder's frame when memory runs out
    return balloon() + int(held[0])


def fill_half() -> int:
    return int(np.ones(LIMIT_MB // 2 * 2**20, np.uint8)[0])


def doze(seconds: float = 0.1) -> None:
    time.sleep(seconds)


def look_up() -> None:
    {}["active manifest"]


class NeedsTwo(Exception):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and\n\x1b {second}")


def raise_what_cannot_be_rebuilt() -> None:
    raise NeedsTwo("one", "two")


def return_what_cannot_be_sent() -> object:
    return threading.Lock()


class Unreadable:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return fail_elsewhere, (f"{os.getpid()}",)


def fail_elsewhere(here: str) -> None:
    if here != f"{os.getpid()}":
        raise LookupError("no such class here")


def return_what_cannot_be_read() -> Unreadable:
    return Unreadable()


def leave() -> None:
    sys.exit(0)


def talk() -> str:
    print("a library talks")
    os.write(1, b"and so does its C code\n")
    return sys.stdin.read()


def surroundings() -> tuple[bytes, dict[str, tuple[int, int]]]:
    kinds = ("RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_NPROC", "RLIMIT_CORE")
    limits = {kind: resource.getrlimit(getattr(resource, kind)) for kind in kinds}
    return Path("/proc/self/environ").read_bytes(), limits


def refuse() -> None:
    raise ParamsError("params.yaml: no")


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(1, Limits(4, LIMIT_MB)) as pool:
        yield pool


@pytest.mark.parametrize(
    ("call", "reason", "detail"),
    [
        (crash, "crash", "SIGSEGV"),
        (kill_itself, "crash", "SIGKILL"),
        (hang, "time_limit", "4 s"),
        (hang_in_c, "time_limit", "4 s"),
        (balloon, "memory_limit", "700 MB"),
    ],
)
def test_a_call_that_goes_wrong_costs_itself_alone(
    pool: WorkerPool, call: object, reason: str, detail: str
) -> None:
    with pytest.raises(VideoGivenUp) as caught:
        pool.run(call)  # type: ignore[arg-type]
    assert caught.value.reason == reason
    assert detail in caught.value.detail
    assert pool.run(process_id) != os.getpid()


def test_a_process_serves_many_calls_and_errors_come_through(pool: WorkerPool) -> None:
    first = pool.run(process_id)
    with pytest.raises(ParamsError, match=r"params\.yaml: no"):
        pool.run(refuse)
    assert pool.run(process_id) == first


def test_an_idle_process_that_is_killed_is_replaced(pool: WorkerPool) -> None:
    for _ in range(3):
        os.kill(pool.run(process_id), signal.SIGKILL)
    assert pool.run(process_id)


def test_threads_share_a_pool_whose_processes_are_killed() -> None:
    with WorkerPool(2, Limits(30, LIMIT_MB)) as pool, ThreadPoolExecutor(2) as threads:
        calls = [threads.submit(pool.run, doze) for _ in range(20)]
        for _ in range(3):
            time.sleep(0.3)
            os.kill(pool.run(process_id), signal.SIGKILL)
        outcomes = [call.exception() for call in calls]
    lost = [error for error in outcomes if error]
    assert all(isinstance(error, VideoGivenUp) and error.reason == "crash" for error in lost)
    assert len(lost) <= 3


def test_no_process_is_left_behind(pool: WorkerPool) -> None:
    with WorkerPool(2, Limits(4, LIMIT_MB)) as own:
        worker = own.run(process_id)
        assert psutil.pid_exists(worker)
    assert not psutil.pid_exists(worker)


def test_leaving_lets_go_of_threads_that_wait() -> None:
    with ThreadPoolExecutor(1) as threads:
        with WorkerPool(1, Limits(600, LIMIT_MB)) as own:
            waiting = threads.submit(own.run, hang)
            time.sleep(1)
        assert waiting.cancelled() or isinstance(waiting.exception(30), CancelledError)


@pytest.mark.parametrize(
    ("call", "detail"),
    [
        (look_up, "KeyError: 'active manifest'"),
        (raise_what_cannot_be_rebuilt, "NeedsTwo: one and � two"),
        (return_what_cannot_be_sent, "TypeError: cannot pickle '_thread.lock' object"),
        (return_what_cannot_be_read, "LookupError: no such class here"),
        (leave, "SystemExit: 0"),
    ],
)
def test_an_exception_that_nobody_foresaw_is_a_crash_with_its_name(
    pool: WorkerPool, call: Callable[[], object], detail: str
) -> None:
    before = pool.run(process_id)
    with pytest.raises(VideoGivenUp) as caught:
        pool.run(call)
    assert (caught.value.reason, caught.value.detail) == ("crash", detail)
    assert pool.run(process_id) != before, "a process in an unknown state takes no other file"


def test_what_filled_the_memory_is_gone_when_the_next_call_begins(pool: WorkerPool) -> None:
    for _ in range(2):
        with pytest.raises(VideoGivenUp, match="memory_limit"):
            pool.run(fill_up)
        assert pool.run(fill_half) == 1


def test_a_clock_that_is_set_forward_takes_no_time_from_a_call(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.run(process_id)
    real, hour = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + hour[0])
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(pool.run, doze, 2)
        time.sleep(1)
        hour[0] = 3600.0
        assert running.result(30) is None


def test_a_process_that_is_stopped_while_idle_is_replaced(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "_BEGIN_S", 5, raising=False)
    stopped = pool.run(process_id)
    os.kill(stopped, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as threads:
        try:
            assert threads.submit(pool.run, process_id).result(60) != stopped
        finally:
            if psutil.pid_exists(stopped):
                os.kill(stopped, signal.SIGCONT)
    assert not psutil.pid_exists(stopped)


def test_processes_that_cannot_begin_are_one_error_and_no_verdict_on_a_file(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as changed:
        changed.setattr(sys, "executable", "/bin/false")
        with pytest.raises(WorkerError, match="each worker process ends with exit code 1; is the"):
            pool.run(process_id)
        changed.setattr(sys, "executable", "/no/such/program")
        with pytest.raises(WorkerError, match=r"can be started \(No such file or directory\)"):
            pool.run(process_id)
    assert pool.run(process_id)


def test_a_memory_limit_beyond_what_can_be_set_is_the_one_that_holds_already() -> None:
    with WorkerPool(1, Limits(30, 10**14)) as pool:
        assert pool.run(process_id)
    script = (
        "import resource\n"
        f"resource.setrlimit(resource.RLIMIT_DATA, ({LIMIT_MB * 2**20},) * 2)\n"
        "from dfd.isolation import Limits, WorkerPool\n"
        "from tests.test_isolation import balloon\n"
        "with WorkerPool(1, Limits(30, 4096)) as pool:\n"
        "    try: pool.run(balloon)\n"
        "    except Exception as error: print(error)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout == f"memory_limit: needed more than {LIMIT_MB} MB\n"


def test_the_token_is_not_in_the_environment_and_limits_are_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DFD_TOKEN", "a secret that a decoder must not see")
    with WorkerPool(1, Limits(30, LIMIT_MB)) as pool:
        environment, limits = pool.run(surroundings)
    assert b"PATH=" in environment
    assert b"TOKEN" not in environment
    assert limits["RLIMIT_DATA"] == (LIMIT_MB * 2**20,) * 2
    assert limits["RLIMIT_FSIZE"] == (2**30,) * 2
    assert 0 < limits["RLIMIT_NPROC"][1] <= 2**13
    assert limits["RLIMIT_CORE"] == (0, 0)


def test_what_a_library_prints_or_reads_does_not_disturb_the_calls(
    pool: WorkerPool, capfd: pytest.CaptureFixture[str]
) -> None:
    assert pool.run(talk) == ""
    assert pool.run(talk) == ""
    assert capfd.readouterr().out == ""


def test_a_process_ends_when_its_parent_is_killed() -> None:
    script = (
        "import time\n"
        "from dfd.isolation import Limits, WorkerPool\n"
        "from tests.test_isolation import process_id\n"
        "pool = WorkerPool(1, Limits(30, 700))\n"
        "print(pool.run(process_id), flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    psutil.wait_procs([worker], timeout=30)
    assert not worker.is_running()
