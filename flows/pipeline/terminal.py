"""What a run of the pipeline shows on the terminal, and the log file that holds the rest."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self, TextIO

from rich.console import Console

from flows.progress import Bar, read_report

LOGS = Path(".cache/logs")
_KEPT = 10
_WARNINGS = 3  # shown of one stage; the log has all of them


def new_log() -> Path:
    """Return the file for the log of a run that starts now; only the last ten logs are kept."""
    LOGS.mkdir(parents=True, exist_ok=True)
    for old in sorted(LOGS.glob("pipeline-*.log"))[: 1 - _KEPT]:
        old.unlink()
    log = LOGS / f"pipeline-{datetime.now():%Y-%m-%d-%H%M%S}.log"
    log.touch()
    return log


@contextmanager
def stderr_in(log: Path) -> Iterator[None]:
    """Send what libraries write to standard error into a log, and that of their processes too.

    Loggers that exist already write there, and so does Python itself for warnings. What the
    program prints to ``sys.stderr`` meanwhile still reaches the terminal.

    Args:
        log: The file to append to.
    """
    before = sys.stderr
    before.flush()
    terminal = os.dup(2)
    with log.open("ab", 0) as file:
        os.dup2(file.fileno(), 2)
    logging.captureWarnings(True)
    sys.stderr = os.fdopen(os.dup(terminal), "w", buffering=1)
    try:
        yield
    finally:
        sys.stderr.close()
        sys.stderr = before
        logging.captureWarnings(False)
        os.dup2(terminal, 2)
        os.close(terminal)


class Terminal:
    """A line for each stage that has ended, and a bar for the one that runs; used as a context."""

    def __init__(self, log: TextIO) -> None:
        """Show on standard output; what is not for the terminal goes to ``log``."""
        self._log = log
        self._console = Console(highlight=False)
        self._bar = Bar(self._console)
        self._stage, self._warned = "", 0

    def __enter__(self) -> Self:
        self._bar.__enter__()
        self._bar.show("looking for what has changed", 0, 0)
        return self

    def begin(self, stage: str) -> None:
        """Show that a stage has begun."""
        self._stage, self._warned, self._bar.title = stage, 0, stage
        self._bar.show("starting", 0, 0)

    def take(self, line: str) -> str:
        """Show the report in a line of a stage's output; log the rest of it, and return that."""
        text, report = read_report(line)
        self._log.write(text)
        if "warning" in report:
            self._warn(report["warning"])
        elif report:
            self._bar.show(**report)
        return text

    def end(self, stage: str, seconds: float, made: str) -> None:
        """Show that a stage has ended."""
        if self._warned > _WARNINGS:
            self._print(f"  … and {self._warned - _WARNINGS} more warnings in the log")
        self._bar.clear()
        self._print(f"{stage:<28} {duration(seconds):>11}  {made}".rstrip())

    def _warn(self, text: str) -> None:
        self._warned += 1
        if self._warned <= _WARNINGS:
            self._print(f"  warning: {text}")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, soft_wrap=True)

    def __exit__(self, *failure: object) -> None:
        self._bar.__exit__(*failure)


def duration(seconds: float) -> str:
    """Return a duration as people write it.

    Args:
        seconds: The duration.

    Example:
        >>> duration(11.2), duration(110), duration(3 * 3600 + 59)
        ('11 s', '1 min 50 s', '3 h 0 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
