"""The command ``dfd`` as a program, and in this process, which saves an interpreter's seconds."""

import logging
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from unittest.mock import patch

from dfd.isolation import Limits, WorkerPool
from flows.commands.__main__ import main
from tests.data import ROOT

PROGRAM = (sys.executable, "-m", "flows.commands")


def program(
    folder: Path, *arguments: object, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``dfd`` with arguments in a folder as a program, and return what came of it."""
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def dfd(folder: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``dfd`` with arguments in a folder as a process would, and return what came of it.

    What the command changes for the whole process is as before when this function returns: the
    folder, the environment, Prefect's server, the handler of Ctrl-C, and the loggers. What is
    changed while a module is imported stays. So a test of that needs a process of its own, and so
    does one of the exit of the process, of its memory, or of code that differs from this.

    Args:
        folder: Folder to run in.
        arguments: The command and its arguments, as after ``dfd``.
        environment: Variables to set. ``PREFECT_API_URL`` names the Prefect server; a command that
            runs a flow needs one.
    """
    words = ["dfd", *map(str, arguments)]
    handlers = signal.getsignal(signal.SIGINT)
    with ExitStack() as changed:
        out, err = changed.enter_context(_captured())
        if "PREFECT_API_URL" in environment:
            # Here, as few tests need Prefect, which takes a second to import. It reads the variable
            # and sets up its loggers at the first import alone.
            import prefect.main  # noqa: F401
            from prefect.settings import PREFECT_API_URL, temporary_settings

            api = environment["PREFECT_API_URL"] or None
            changed.enter_context(temporary_settings({PREFECT_API_URL: api}))
        changed.enter_context(_loggers_kept())
        changed.enter_context(patch.object(logging, "raiseExceptions", True))
        changed.enter_context(_workers_ended())
        changed.enter_context(patch.dict(os.environ, environment))
        changed.enter_context(patch.object(sys, "argv", words))
        changed.callback(signal.signal, signal.SIGINT, handlers)
        changed.callback(os.chdir, Path.cwd())
        os.chdir(folder)
        code = _exit_code()
        sys.stdout.flush()
        sys.stderr.flush()
        return subprocess.CompletedProcess(words, code, _content(out), _content(err))


def _exit_code() -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:
        traceback.print_exc()
        return 1
    return 0


@contextmanager
def _captured() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Send this process's and its children's standard output and standard error to two files."""
    with ExitStack() as changed:
        files = []
        for number, name in ((1, "stdout"), (2, "stderr")):
            file = changed.enter_context(TemporaryFile())
            kept = os.dup(number)
            changed.callback(os.close, kept)
            changed.callback(os.dup2, kept, number)
            os.dup2(file.fileno(), number)
            # Never closed: a logging handler that is made meanwhile keeps it.
            stream = os.fdopen(number, "w", encoding="utf-8", closefd=False)
            changed.enter_context(patch.object(sys, name, stream))
            changed.enter_context(patch.object(sys, f"__{name}__", stream))
            files.append(file)
        yield files[0], files[1]


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


@contextmanager
def _workers_ended() -> Iterator[None]:
    """Stop the worker processes that wait for a flow's next task, which end with a program."""
    pools: list[WorkerPool] = []
    begin = WorkerPool.__init__

    def remember(pool: WorkerPool, workers: int, limits: Limits) -> None:
        pools.append(pool)
        begin(pool, workers, limits)

    try:
        with patch.object(WorkerPool, "__init__", remember):
            yield
    finally:
        for pool in pools:
            pool.__exit__(None, None, None)


@contextmanager
def _loggers_kept() -> Iterator[None]:
    """Give every logger its level, handlers and filters back at the end."""

    def loggers() -> list[logging.Logger]:
        known = logging.root.manager.loggerDict.values()
        return [logging.root, *(one for one in known if isinstance(one, logging.Logger))]

    before = [(one, one.level, [*one.handlers], [*one.filters]) for one in loggers()]
    try:
        yield
    finally:
        for one, level, handlers, filters in before:
            one.setLevel(level)
            one.handlers[:], one.filters[:] = handlers, filters
