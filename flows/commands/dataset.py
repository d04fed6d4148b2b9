"""``dfd dataset``: downloads a data set, and audits the one in use."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dfd.words import displayed
from flows.paths import FACES, INDEX, SPLIT, VIDEOS

if TYPE_CHECKING:
    from dfd.audit.audit import Audit

app = typer.Typer(no_args_is_help=True, help="Download a data set, or audit the one in use.")

_LISTED, _LONGEST = 20, 1000  # findings, and characters of each


class Fetched(StrEnum):
    """Data sets that can be downloaded."""

    DFDC_SAMPLE = "dfdc-sample"


@app.command()
def fetch(
    name: Annotated[
        Fetched, typer.Argument(help="Data set: the training sample of Kaggle's DFDC (4.4 GB).")
    ],
    to: Annotated[
        Path | None, typer.Option(help="Folder to make. [default: name of the data set]")
    ] = None,
) -> None:
    """Download a data set with Kaggle's client, and unpack it completely or not at all."""
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from dfd.dataset.fetch import TRAIN, fetch_dfdc_sample

    folder = to or Path(name.value)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(name.value, total=None)
        videos = fetch_dfdc_sample(folder, lambda done: progress.update(bar, completed=done))
    print(f"{folder / TRAIN}: {len(videos)} labelled videos; next: dfd use {folder / TRAIN}")


@app.command()
def audit(
    page: Annotated[Path | None, typer.Option(help="Write the findings as an HTML page.")] = None,
) -> None:
    """Look for leaks between the parts of the split, and for shortcuts that give labels away.

    These are the checks of the stage split, and one more: people who appear in more than one part.
    The exit code is 2 if there is a leak.
    """
    from functools import partial

    from dfd.audit.audit import audit_split, leak_error
    from dfd.audit.page import audit_page
    from dfd.audit.people import check_people
    from dfd.dataset.table import read_index
    from dfd.errors import DatasetError
    from dfd.files import write_text
    from dfd.params.data import SplitParams
    from dfd.params.section import load_section
    from dfd.split.table import leaks, read_split
    from tasks.workers import isolated_fingerprints

    split = read_split(SPLIT)
    fingerprints = partial(isolated_fingerprints, VIDEOS)
    result = audit_split(read_index(INDEX), split, fingerprints, partial(check_people, faces=FACES))
    if load_section(SplitParams).protocol == "official" and leaks(split):
        result = result.tolerated()
    if page is not None:
        try:
            write_text(page, audit_page(result, split))
        except OSError as error:
            raise DatasetError(
                f"{page}: cannot be written ({error.strerror}); choose another name"
            ) from error
    _print(result)
    if result.count("leak"):
        raise leak_error(result)


def _print(result: "Audit") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_lines=True, title="Audit of the data set and its split")
    for column in ("check", "result", "what was looked at, and how it came out"):
        table.add_column(column)
    for outcome in result.outcomes:
        severities = {finding.severity for finding in outcome.findings}
        passed = "passed" if outcome.summary else "not checked"
        state = "leak" if "leak" in severities else "warning" if severities else passed
        omitted = f"not checked: {outcome.omitted}" if outcome.omitted else None
        text = "\n".join(part for part in (outcome.summary, omitted) if part)
        table.add_row(outcome.check, state, escape(text))
    console = Console(width=100, highlight=False)
    console.print(table)
    for finding in result.findings[:_LISTED]:
        text = displayed(finding.text, _LONGEST)
        console.print(f"{finding.severity}: {text}", markup=False, soft_wrap=True)
    if len(result.findings) > _LISTED:
        console.print(f"and {len(result.findings) - _LISTED} more; --page lists them")
