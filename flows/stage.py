"""Stages as programs: an error that a user can act on is one line, and the exit code 2."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from dfd.errors import DfdError, ParamsError
from dfd.params.section import read_params
from flows.progress import REPORTS, WarningReports

STAGES = ("dataset", "split", "faces", "train", "evaluate", "robustness", "register")
CANDIDATE_STAGES = ("train", "evaluate", "robustness")
_WENT_WELL = "Finished in state Completed()"
_PATIENCE_S = 5.0


class TerseLog(logging.Filter):
    """Shortens Prefect's log, which would be unreadable with thousands of videos.

    A task that succeeds logs nothing, and an error that a user can act on has no traceback.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop records of successful tasks; remove the traceback of a ``DfdError``."""
        if record.name == "prefect.task_runs" and record.getMessage() == _WENT_WELL:
            return False
        if record.exc_info and isinstance(record.exc_info[1], DfdError):
            record.msg, record.args = "%s", (record.exc_info[1],)
            record.exc_info = None
        return True


def _check_server() -> None:
    url = PREFECT_API_URL.value()
    if url and get_client(sync_client=True).api_healthcheck():
        raise DfdError(
            f"PREFECT_API_URL: no Prefect server answers at {url}; start `prefect server start`, "
            "or unset the variable"
        )


def _leave_on_ctrl_c() -> None:
    """Make Ctrl-C end the program within seconds, whatever Prefect still tries.

    A temporary server gets the same signal and ends first. Without this function, the flow would
    try for minutes to report its end to that server, with a page of log at each attempt.
    """

    def leave() -> None:
        time.sleep(_PATIENCE_S)
        for child in psutil.Process().children(recursive=True):
            child.kill()
        os._exit(130)

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
        _leave_on_ctrl_c()
    started = False
    try:
        read_params(Path("params.yaml"))  # says in one line what is wrong, before a server starts
        _check_server()
        started = True
        flow(*arguments)
    except KeyboardInterrupt:
        if debug:
            raise
        sys.exit(130)
    except DfdError as error:
        if debug:
            raise
        print(f"dfd: {error.line}", file=sys.stderr)
        sys.exit(2)
    finally:
        if started and not PREFECT_API_URL.value():
            _end_temporary_server()


def _end_temporary_server() -> None:
    # Imported here: Prefect imports it too when it starts such a server, which takes two seconds.
    from prefect.server.api.server import SubprocessASGIServer

    time.sleep(2)  # it loses the states that it has not written yet
    SubprocessASGIServer().stop()


def run_stage(stage: Callable[..., Any]) -> None:
    """Run a stage as the program ``python -m flows.<stage> [<candidate>]``, as ``dvc.yaml`` does.

    Args:
        stage: The function or flow with the stage's name.
    """
    run_flow(_start, stage, sys.argv[1:])


def _start(stage: Callable[..., Any], arguments: Sequence[str]) -> None:
    check_arguments(stage.__name__, arguments)
    stage(*arguments)


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
