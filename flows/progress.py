"""Progress on the terminal; a stage that the pipeline runs reports it to the pipeline instead.

The pipeline captures what its stages print. It sets ``DFD_REPORTS``, and its stages then write
reports among their output: a record separator and a JSON object on one line, as in RFC 7464.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

REPORTS = "DFD_REPORTS"
_MARK = "\x1e"
_EVERY_S = 0.5  # between two reports of one step after the other

# Called with what is being done, how much of it is done, and how much there is; 0 if nobody knows.
OnStep = Callable[[str, int, int], None]


class _TimeLeft(TimeRemainingColumn):
    def render(self, task: Task) -> Text:
        return super().render(task).append(" left") if task.total else Text("")


class Bar:
    """One bar with the time left, used as a context; it shows nothing where there is no terminal.

    Attributes:
        title: What stands before the bar.
    """

    def __init__(self, console: Console) -> None:
        """Draw on a console."""
        self.title = ""
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            _TimeLeft(),
            console=console,
            transient=True,
            refresh_per_second=2,
            speed_estimate_period=600,  # an epoch and its validation can take minutes
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._last = ("", 0, 0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def show(self, text: str, done: int, total: int) -> None:
        """Show a step as ``OnStep`` describes it; the time left is of the steps until ``total``."""
        named = f"{self.title} {text}".strip()
        if self._task is None or _begins_anew(self._last, (text, done, total)):
            self.clear()
            self._task = self._progress.add_task(named, total=total or None)
        self._last = (text, done, total)
        self._progress.update(self._task, description=named, completed=done)

    def clear(self) -> None:
        """Remove the bar, until something is shown again."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = None

    def __exit__(self, *failure: object) -> None:
        self._progress.stop()


@contextmanager
def shown_steps() -> Iterator[OnStep]:
    """Yield the function that shows steps: to the pipeline, or in a bar on standard error."""
    if os.environ.get(REPORTS):
        yield _Reporter().show
    else:
        with Bar(Console(stderr=True)) as bar:
            yield bar.show


class ProgressBar:
    """Progress of many items of one kind, used as a context: done, failed, rate and time left."""

    def __init__(self, noun: str, total: int) -> None:
        """Count ``total`` items; ``noun`` names them in the plural."""
        self._noun, self._total, self._done = noun, total, 0
        self._begun = time.monotonic()
        self._steps = shown_steps()

    def __enter__(self) -> Self:
        self._show = self._steps.__enter__()
        self._show(f"0 of {self._total} {self._noun}", 0, self._total)
        return self

    def advance(self, failed: int) -> None:
        """Count one more item as done; ``failed`` is how many of those done have no result."""
        self._done += 1
        rate = self._done / max(time.monotonic() - self._begun, 1e-9)
        text = f"{self._done} of {self._total} {self._noun}, {failed} failed, {rate:.1f}/s"
        self._show(text, self._done, self._total)

    def __exit__(self, *failure: object) -> None:
        self._steps.__exit__(None, None, None)


class _Reporter:
    """Writes steps as reports; of the steps of one thing, not more than the eye can follow."""

    def __init__(self) -> None:
        self._last, self._written = ("", 0, 0), 0.0

    def show(self, text: str, done: int, total: int) -> None:
        step = (text, done, total)
        now = time.monotonic()
        if now - self._written >= _EVERY_S or _begins_anew(self._last, step):
            self._written = now
            _write_report({"text": text, "done": done, "total": total})
        self._last = step


def _begins_anew(last: tuple[str, int, int], step: tuple[str, int, int]) -> bool:
    """Tell whether a step is of something else than the one before it."""
    return step[2] != last[2] or step[1] < last[1] or (not step[2] and step[0] != last[0])


class WarningReports(logging.Handler):
    """Reports warnings to the pipeline."""

    def emit(self, record: logging.LogRecord) -> None:
        """Report a warning; errors end the stage, which says so itself."""
        if record.levelno == logging.WARNING:
            _write_report({"warning": record.getMessage()})


def _write_report(report: dict[str, Any]) -> None:
    print(f"{_MARK}{json.dumps(report)}", flush=True)


def read_report(line: str) -> tuple[str, dict[str, Any]]:
    """Return what is no report of a line that a stage has printed, and the report, which may be {}.

    Args:
        line: The line, with its end.

    Example:
        >>> read_report('fetching \\x1e{"warning": "no network"}\\n')
        ('fetching ', {'warning': 'no network'})
        >>> read_report("epoch 1\\n")
        ('epoch 1\\n', {})
    """
    text, mark, report = line.partition(_MARK)
    try:
        return text, json.loads(report) if mark else {}
    except ValueError:  # another process has written into the line
        return line, {}
