"""Running a stage's flow as a program: one line for an error a user can act on, exit code 2."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from dfd.errors import DfdError

_WENT_WELL = "Finished in state Completed()"
_PATIENCE_S = 5.0


class TerseLog(logging.Filter):
    """Leaves out of Prefect's log what thousands of videos would drown the rest in.

    A task that went well says nothing; an error that is the user's to mend has no traceback.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop successes of tasks; strip the records of a ``DfdError``."""
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
    """Have Ctrl-C end the program within seconds, whatever Prefect still tries.

    A temporary server gets the same signal and ends first; the flow would then try for minutes to
    tell it of its end, a page of log at each attempt.
    """

    def leave() -> None:
        time.sleep(_PATIENCE_S)
        for child in psutil.Process().children(recursive=True):
            child.kill()
        os._exit(130)

    def interrupted(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is on its way
        print("dfd: interrupted; run again, and it goes on from there", file=sys.stderr, flush=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # Prefect has much to say of a lost server
        threading.Thread(target=leave, daemon=True).start()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupted)


def run_stage(flow: Callable[..., Any], *arguments: Any) -> None:
    """Run ``flow`` and leave the process: 0, or 2 with one line on standard error.

    With ``DFD_DEBUG`` set, tracebacks are shown.
    """
    debug = bool(os.environ.get("DFD_DEBUG"))
    if not debug:
        for name in ("prefect.flow_runs", "prefect.task_runs"):
            logging.getLogger(name).addFilter(TerseLog())
        _leave_on_ctrl_c()
    try:
        _check_server()
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
        if not PREFECT_API_URL.value():
            time.sleep(2)  # a temporary server drops the states it has not yet written
