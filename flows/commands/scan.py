"""``dfd scan``: a verdict on each of the files named, with its evidence."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from dfd.errors import ScanError
from dfd.files import readable

FAKE_FOUND, INTERRUPTED = 3, 130
_STDOUT = Path("-")


def scan(
    paths: Annotated[
        list[Path], typer.Argument(help="Videos, folders of them, or patterns: 'clips/**/*.mp4'.")
    ],
    model: Annotated[
        str,
        typer.Option(help="A detector's folder, models:/NAME@champion or models:/NAME/VERSION."),
    ] = "models/champion",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one verdict record a line instead of a table.")
    ] = False,
    as_csv: Annotated[
        Path | None, typer.Option("--csv", help="Write a CSV table; - for standard output.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder for an HTML report on each file.")
    ] = None,
    fail_on_fake: Annotated[
        bool, typer.Option("--fail-on-fake", help="Exit with 3 when any verdict is FAKE.")
    ] = False,
    time_limit: Annotated[
        float, typer.Option(min=1, help="Seconds a file may take; then it is INCONCLUSIVE.")
    ] = 900,
    memory_limit: Annotated[
        int, typer.Option(min=512, help="MB of memory a file may take; likewise.")
    ] = 4096,
) -> None:
    """Judge videos: REAL, FAKE or INCONCLUSIVE, a probability with its interval, and why.

    Exit code 0: all were judged, INCONCLUSIVE included. 2: an error, in one line. 3: with
    --fail-on-fake, a verdict is FAKE.
    """
    try:
        found_fake = _scan(paths, model, as_json, as_csv, report, (time_limit, memory_limit))
    except KeyboardInterrupt:
        print("dfd: interrupted", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    if fail_on_fake and found_fake:
        raise typer.Exit(FAKE_FOUND)


def _scan(
    paths: list[Path],
    model: str,
    as_json: bool,
    as_csv: Path | None,
    reports: Path | None,
    limits: tuple[float, int],
) -> bool:
    """Scan, put out what was asked for, and tell whether any verdict is FAKE."""
    from dfd.isolation import Limits
    from flows.commands.scanning import find_detector, scan_files
    from flows.commands.videos import find_videos
    from flows.progress import ProgressBar

    if as_json and as_csv == _STDOUT:
        raise ScanError("--csv -: standard output is taken by --json; name a file")
    videos, detector = find_videos(paths), find_detector(model)
    if as_csv and as_csv != _STDOUT:
        _check_target(as_csv)
    if reports:
        _check_target(reports / "index.html")
    records, pages = [], []
    with ProgressBar("videos", len(videos)) as bar:
        limited = (Limits(*limits), bool(reports))
        for scanned in scan_files(videos, detector, *limited, bar.advance):
            records.append(scanned.record)
            if as_json:
                _put_json(scanned.record)
            if reports:
                pages.append(_report(scanned, detector.directory, reports))
    if as_csv:
        _put_csv(records, as_csv)
    if not as_json and as_csv != _STDOUT:
        from flows.commands.scan_output import print_table

        print_table(records)
    if reports:
        _name_reports(records, pages, reports)
    return any(record.verdict == "FAKE" for record in records)


def _check_target(path: Path) -> None:
    """Refuse a name that cannot be written before anything is scanned for it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refusal(path, error.strerror) from error
    if path.is_dir():
        raise _refusal(path, "is a folder")
    if not os.access(path.parent, os.W_OK):
        raise _refusal(path, "its folder cannot be written")


def _put_csv(records: list[Any], path: Path) -> None:
    """Write the CSV table, to a file all or nothing."""
    from dfd.files import replacing
    from flows.commands.scan_output import write_csv

    if path == _STDOUT:
        write_csv(records, sys.stdout)
        return
    try:
        with (
            replacing(path) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            write_csv(records, file)
    except OSError as error:
        raise _refusal(path, error.strerror) from error


def _refusal(path: Path, problem: str | None) -> ScanError:
    return ScanError(f"{readable(path)}: cannot be written ({problem}); choose another name")


def _put_json(record: Any) -> None:
    """Print a record as a line, in UTF-8 whatever the terminal's, and past the progress bar."""
    assert sys.__stdout__ is not None
    sys.__stdout__.buffer.write(record.model_dump_json().encode() + b"\n")
    sys.__stdout__.flush()


def _report(scanned: Any, detector: Path, folder: Path) -> Path:
    """Write a report here and not in the worker, whose limits are meant for hostile files."""
    from dfd.scan.report import write_report

    return write_report(scanned, detector, folder)


def _name_reports(records: list[Any], pages: list[Path], folder: Path) -> None:
    """Say where the reports are; an index links them if there are several."""
    from flows.commands.scan_output import write_index

    several = list(zip(records, pages, strict=True))
    path = write_index(several, folder) if len(pages) > 1 else pages[0]
    print(f"report: {readable(path)}", file=sys.stderr)
