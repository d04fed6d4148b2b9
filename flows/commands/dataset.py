"""``dfd dataset``: data sets fetched, and an audit of the one in use."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.paths import FACES, INDEX, SPLIT, VIDEOS

if TYPE_CHECKING:
    from dfd.audit.audit import Audit

app = typer.Typer(no_args_is_help=True, help="Get a data set, or look for what is wrong with it.")

_LISTED = 20


class Fetched(StrEnum):
    """What can be fetched."""

    DFDC_SAMPLE = "dfdc-sample"


@app.command()
def fetch(
    name: Annotated[Fetched, typer.Argument(help="Kaggle's sample of the DFDC: 4.4 GB.")],
    to: Annotated[Path | None, typer.Option(help="Folder to make; else one of this name.")] = None,
) -> None:
    """Download a data set with Kaggle's client and unpack it, whole or not at all."""
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
    page: Annotated[
        Path | None, typer.Option(help="Also write what was found as a page, .html.")
    ] = None,
) -> None:
    """Look for leaks between the parts of the split, and for labels that are given away.

    As the stage split does, and for people who are in more than one part. A leak is exit code 2.
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
    found = audit_split(read_index(INDEX), split, fingerprints, partial(check_people, faces=FACES))
    if load_section(SplitParams).protocol == "official" and leaks(split):
        found = found.tolerated()
    if page is not None:
        try:
            write_text(page, audit_page(found, split))
        except OSError as error:
            raise DatasetError(
                f"{page}: cannot be written ({error.strerror}); choose another name"
            ) from error
    _print(found)
    if found.count("leak"):
        raise leak_error(found)


def _print(found: "Audit") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_lines=True, title="Audit of the data set and its split")
    for column in ("check", "result", "what was looked at, and how it came out"):
        table.add_column(column)
    for outcome in found.outcomes:
        severities = {finding.severity for finding in outcome.findings}
        passed = "passed" if outcome.summary else "not checked"
        result = "leak" if "leak" in severities else "warning" if severities else passed
        omitted = f"not checked: {outcome.omitted}" if outcome.omitted else None
        said = "\n".join(text for text in (outcome.summary, omitted) if text)
        table.add_row(outcome.check, result, escape(said))
    console = Console(width=100, highlight=False)
    console.print(table)
    for finding in found.findings[:_LISTED]:
        console.print(f"{finding.severity}: {finding.text}", markup=False, soft_wrap=True)
    if len(found.findings) > _LISTED:
        console.print(f"and {len(found.findings) - _LISTED} more; --page lists them")
