"""``dfd scan``: a verdict on each file, with its evidence."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from dfd.errors import ScanError
from dfd.files import readable
from dfd.labels import PRIOR

FAKE_FOUND, INTERRUPTED = 3, 130
_STDOUT = Path("-")

Model = Annotated[
    str,
    typer.Option(
        help="Detector: its folder, or models:/NAME@champion or models:/NAME/VERSION in the "
        "registry."
    ),
]


def scan(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Videos or pictures, folders of them, or patterns such as 'clips/**/*.mp4'."
        ),
    ],
    model: Model = "models/champion",
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print a verdict record (JSON) per line instead of a table."),
    ] = False,
    as_csv: Annotated[
        Path | None,
        typer.Option("--csv", help="Also write a CSV table to this file; - prints only the CSV."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write an HTML report on each file to this folder.")
    ] = None,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway",
            help="Show the score of a video outside the detector's domain; it gets no verdict.",
        ),
    ] = False,
    prior: Annotated[
        float,
        typer.Option(
            help="Share of fakes among videos like these, between 0 and 1, such as 0.05. Where "
            "fakes are rare, P(FAKE) is lower."
        ),
    ] = PRIOR,
    fail_on_fake: Annotated[
        bool, typer.Option("--fail-on-fake", help="Exit with code 3 if any verdict is FAKE.")
    ] = False,
    time_limit: Annotated[
        float,
        typer.Option(
            min=1,
            help="Seconds that one file may take. A slower file gets the verdict INCONCLUSIVE.",
        ),
    ] = 900,
    memory_limit: Annotated[
        int,
        typer.Option(
            min=512, help="Memory in MB that one file may take. A larger need gives INCONCLUSIVE."
        ),
    ] = 4096,
) -> None:
    """Judge videos: a verdict (REAL, FAKE or INCONCLUSIVE), a probability of FAKE, and reasons.

    Exit code 0: every file has a verdict, which may be INCONCLUSIVE. 2: an error, in one line.
    3: a verdict is FAKE, and --fail-on-fake was given. 130: interrupted by Ctrl-C.
    """
    try:
        judging = {"anyway": anyway, "prior": prior}
        any_fake = _scan(paths, model, judging, as_json, as_csv, report, (time_limit, memory_limit))
    except KeyboardInterrupt:
        print("dfd: interrupted", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    if fail_on_fake and any_fake:
        raise typer.Exit(FAKE_FOUND)


def _scan(
    paths: list[Path],
    model: str,
    judging: dict[str, Any],
    as_json: bool,
    as_csv: Path | None,
    reports: Path | None,
    limits: tuple[float, int],
) -> bool:
    """Scan the files, write every output, and return whether any verdict is FAKE."""
    from dfd.isolation import Limits
    from flows.commands.scanning import find_detector, scan_files
    from flows.commands.videos import find_videos
    from flows.progress import ProgressBar

    if as_json and as_csv == _STDOUT:
        raise ScanError("--csv -: standard output is taken by --json; name a file")
    if (as_json or as_csv == _STDOUT) and sys.__stdout__ is None:
        raise ScanError("standard output: is closed; name a file with --csv, or open it")
    if not 0 < judging["prior"] < 1:
        raise ScanError(
            f"--prior {judging['prior']:g}: the share of fakes lies between 0 and 1; example: 0.05"
        )
    videos, detector = find_videos(paths), replace(find_detector(model), **judging)
    if as_csv and as_csv != _STDOUT:
        _check_target(as_csv)
    if reports:
        _check_target(reports / "index.html")
    records, pages = [], []
    with ProgressBar("videos", len(videos)) as bar:
        with_crops = bool(reports)
        for scanned in scan_files(videos, detector, Limits(*limits), with_crops, bar.advance):
            records.append(scanned.record)
            if as_json:
                _print_json(scanned.record)
            if reports:
                pages.append(_write_report(scanned, detector.directory, reports))
    if as_csv:
        _write_csv(records, as_csv)
    if not as_json and as_csv != _STDOUT:
        from flows.commands.scan_output import print_table

        print_table(records)
    if reports:
        _print_report_path(records, pages, reports)
    return any(record.verdict == "FAKE" for record in records)


def _check_target(path: Path) -> None:
    """Raise an error for a path that cannot be written, before files are scanned in vain."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refusal(path, error.strerror) from error
    if path.is_dir():
        raise _refusal(path, "is a folder")
    if not os.access(path.parent, os.W_OK):
        raise _refusal(path, "its folder cannot be written")


def _write_csv(records: list[Any], path: Path) -> None:
    """Write the CSV table; a file is replaced only when all of the table has been written."""
    from dfd.files import replacing
    from flows.commands.scan_output import write_csv

    if path == _STDOUT:
        with _standard_output():
            write_csv(records, sys.stdout)
            sys.stdout.flush()
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


def _print_json(record: Any) -> None:
    """Print a record as one line of UTF-8, whatever the encoding of the terminal is."""
    # While the progress bar is drawn, sys.stdout is redirected to standard error.
    assert sys.__stdout__ is not None
    with _standard_output():
        sys.__stdout__.buffer.write(record.model_dump_json().encode() + b"\n")
        sys.__stdout__.flush()


@contextmanager
def _standard_output() -> Iterator[None]:
    """Make one line of an error of standard output: the disk is full, or nobody reads it."""
    try:
        yield
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python tries once more when it ends
        raise ScanError(
            f"standard output: cannot be written ({error.strerror}); name a file with room"
        ) from error


def _write_report(scanned: Any, detector: Path, folder: Path) -> Path:
    """Write a report in this process: the limits of a worker are meant for decoding a file."""
    from dfd.scan.report import write_report

    return write_report(scanned, detector, folder)


def _print_report_path(records: list[Any], pages: list[Path], folder: Path) -> None:
    """Print the path of the report, or of an index that links several reports."""
    from flows.commands.scan_output import write_index

    several = list(zip(records, pages, strict=True))
    path = write_index(several, folder) if len(pages) > 1 else pages[0]
    print(f"report: {readable(path)}", file=sys.stderr)
