"""Progress bars on the terminal. Without a terminal they show nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class ProgressBar:
    """A progress bar on standard error, used as a context: done, failed, rate and time left."""

    def __init__(self, name: str, total: int) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]} failed"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            refresh_per_second=2,
            disable=not console.is_terminal,
        )
        self._bar = self._progress.add_task(name, total=total, failed=0, rate="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def advance(self, failed: int) -> None:
        """Count one more item as done; ``failed`` is how many of those done have no result."""
        speed = self._progress.tasks[0].speed
        rate = f"{speed:.1f}/s" if speed else ""
        self._progress.update(self._bar, advance=1, failed=failed, rate=rate)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()


@contextmanager
def epoch_bar() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for each epoch; yield the function to call with its name, step and steps."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("training", total=None)

        def on_step(name: str, step: int, steps: int) -> None:
            if step == 1:
                progress.reset(bar, total=steps, description=name)
            progress.update(bar, completed=step)

        yield on_step
