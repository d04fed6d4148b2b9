"""Stages as programs: an error that a user can act on is one line, and the exit code 2."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import psutil
from filelock import FileLock, Timeout

from dfd.errors import DfdError, ParamsError
from dfd.files import refusal, write_text
from dfd.params.section import read_params
from flows.progress import REPORTS, WarningReports
from flows.server import SERVER_ERRORS, LostServerError, prefect_server

STAGES = ("dataset", "faces", "split", "train", "evaluate", "robustness", "register")
CANDIDATE_STAGES = ("train", "evaluate", "robustness")
_WENT_WELL = "Finished in state Completed()"
_PATIENCE_S = 5.0  # for a program that has been interrupted
LOCKS = Path(".cache/locks")
FAILED, INTERRUPTED = 2, 130  # exit codes


class StageBusyError(DfdError):
    """Another process runs the stage."""


class TerseLog(logging.Filter):
    """Shortens Prefect's log, which would be unreadable with thousands of videos.

    A task that succeeds logs nothing, and an error that a user can act on has no traceback.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop records of successful tasks; remove tracebacks of what becomes one line."""
        message = record.getMessage()
        if record.name == "prefect.task_runs" and message == _WENT_WELL:
            return False
        if message.startswith("View at ") and not os.environ.get("PREFECT_API_URL"):
            return False  # a temporary server has no pages
        error = record.exc_info and record.exc_info[1]
        if error and (_line(error) or isinstance(error, SERVER_ERRORS)):
            record.msg, record.args = "%s", (error,)
            record.exc_info = None
        return True


def _line(error: BaseException) -> str | None:
    """Return the line for an error that a user can act on, or None for any other."""
    if isinstance(error, DfdError):
        return error.line
    return refusal(error) if isinstance(error, OSError) else None


def _leave_on_ctrl_c() -> None:
    """Make Ctrl-C end the program within seconds, whatever Prefect still tries.

    A server on this terminal gets the same signal and ends first. Without this function, the flow
    would try for minutes to report its end to that server, with a page of log at each attempt.
    """

    def leave() -> None:
        time.sleep(_PATIENCE_S)
        _leave(INTERRUPTED)

    def interrupted(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the program is ending already
        print(
            "dfd: interrupted; run again, and it goes on from there",
            file=sys.stderr,
            flush=True,
        )
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # Prefect logs pages about a lost server
        threading.Thread(target=leave, daemon=True).start()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupted)


def _leave(code: int) -> NoReturn:
    """End the program at once, without the minutes in which Prefect would try to send its logs."""
    sys.stdout.flush()
    sys.stderr.flush()
    for child in psutil.Process().children(recursive=True):
        child.kill()
    os._exit(code)


def run_flow(flow: Callable[..., Any], *arguments: Any) -> None:
    """Run a flow, and leave the process with code 2 and one line for an error a user can act on.

    With ``DFD_DEBUG`` set, tracebacks are shown.

    Args:
        flow: A flow, or a function that starts one.
        arguments: Its arguments.
    """
    debug = bool(os.environ.get("DFD_DEBUG"))
    if os.environ.get(REPORTS):
        for name in ("prefect.flow_runs", "prefect.task_runs", "dfd"):
            logging.getLogger(name).addHandler(WarningReports())
    if not debug:
        for name in ("prefect.flow_runs", "prefect.task_runs"):
            logging.getLogger(name).addFilter(TerseLog())
        for name in ("prefect.events.clients", "prefect._internal.concurrency"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # a lost server is told in one line
        logging.raiseExceptions = False  # of the thread that sends the log to that server
        _leave_on_ctrl_c()
    try:
        read_params(Path("params.yaml"))  # says in one line what is wrong, before a server starts
        with prefect_server():
            flow(*arguments)
    except KeyboardInterrupt:
        if debug:
            raise
        sys.exit(INTERRUPTED)
    except (DfdError, OSError) as error:
        line = _line(error)
        if debug or line is None:
            raise
        print(f"dfd: {line}", file=sys.stderr)
        if isinstance(error, LostServerError):
            _leave(FAILED)
        sys.exit(FAILED)


def run_stage(stage: Callable[..., Any]) -> None:
    """Run a stage as the program ``python -m flows.<stage> [<candidate>]``, as ``dvc.yaml`` does.

    Args:
        stage: The function or flow with the stage's name.
    """
    _end_with_dvc()
    run_flow(_start, stage, sys.argv[1:])


def _start(stage: Callable[..., Any], arguments: Sequence[str]) -> None:
    check_arguments(stage.__name__, arguments)
    run_alone(stage, arguments)


def run_alone(stage: Callable[..., Any], arguments: Sequence[str]) -> None:
    """Run a stage, unless another process runs it with the same candidate.

    Two would write the same files; a killed ``dvc`` leaves its stage running for a moment.

    Args:
        stage: The function or flow with the stage's name.
        arguments: Its candidate, or nothing.

    Raises:
        StageBusyError: Another process runs it.
    """
    name = "@".join([stage.__name__, *arguments])
    holder = LOCKS / f"{name}.pid"
    LOCKS.mkdir(parents=True, exist_ok=True)
    lock = FileLock(LOCKS / f"{name}.lock")
    try:
        held = lock.acquire(timeout=2 * _PATIENCE_S)
    except Timeout as error:
        raise StageBusyError(
            f"{name}: process {holder.read_text()} runs this stage already; wait for it to end, or "
            "end it"
        ) from error
    with held:
        write_text(holder, str(os.getpid()))
        stage(*arguments)


def _end_with_dvc() -> None:
    """Interrupt this program when the ``dvc`` that runs it is killed.

    Left to itself it would go on beside the next ``dvc repro``, which cannot know of it.
    """
    running = [parent for parent in psutil.Process().parents() if _is_dvc(parent)]
    if not running:
        return

    def watch() -> None:
        with suppress(psutil.NoSuchProcess):
            while running[0].status() != psutil.STATUS_ZOMBIE:
                time.sleep(1)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()


def _is_dvc(process: psutil.Process) -> bool:
    try:
        return "dvc" in [Path(word).name for word in process.cmdline()[:3]]
    except psutil.Error:  # of another user, or ended
        return False


def check_arguments(stage: str, arguments: Sequence[str]) -> None:
    """Check that a stage exists, and that it gets one candidate if it is of a candidate, else none.

    Args:
        stage: Name of the stage.
        arguments: What stands after the stage on the command line.

    Raises:
        ParamsError: There is no such stage, or the candidate is missing or one too many.
    """
    if stage not in STAGES:
        raise ParamsError(f"{stage}: no such stage; the stages are {', '.join(STAGES)}")
    if stage in CANDIDATE_STAGES and len(arguments) != 1:
        raise ParamsError(f"{stage}: this stage needs one candidate; name one of params.yaml")
    if stage not in CANDIDATE_STAGES and arguments:
        raise ParamsError(f"{stage}: this stage takes no candidate; leave out {arguments[0]!r}")
