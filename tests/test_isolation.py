"""Calls that crash, hang or balloon in their worker process."""

import ctypes
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor

import numpy as np
import psutil
import pytest

from dfd.errors import ParamsError, VideoGivenUp
from dfd.isolation import Limits, WorkerPool

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


def doze() -> None:
    time.sleep(0.1)


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
