"""What `dfd scan` prints and writes: a table to read, CSV, and a page that links the reports."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dfd.colours import COLOURS
from dfd.words import LEAK, SYNTHETIC, displayed, if_fake

if TYPE_CHECKING:
    from dfd.scan.record import VerdictRecord

WIDTH = 100
_NAME = 32
_STYLES = {**{label: f"bold {colour}" for label, colour in COLOURS.items()}, "INCONCLUSIVE": ""}
# A spreadsheet would run a text that begins with one of these as a formula; the last four are wide.
_FORMULA = (*"=+-@\t\r\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
COLUMNS = (
    *("file", "verdict", "probability", "low", "high", "people", "judged", "asked"),
    *("reasons", "sha256", "model", "version", "model_sha256", "prior"),
)


def print_table(records: Sequence["VerdictRecord"]) -> None:
    """Print a table with a row for each file, and below it what its verdicts rest on."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("file", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("P(FAKE)", justify="right", no_wrap=True)
    table.add_column("95 %", no_wrap=True)
    table.add_column("people", justify="right", no_wrap=True)
    table.add_column("remarks", overflow="fold")
    for record in records:
        name = displayed(record.file.path or record.file.name, _NAME)
        outside = record.probability is None and record.domain is not None
        table.add_row(
            Text(name),
            Text(record.verdict, _STYLES[record.verdict]),
            "—" if record.probability is None else f"{record.probability:.2f}",
            "—" if record.interval is None else "{:.2f}–{:.2f}".format(*record.interval),
            "—" if outside else f"{len(record.tracks)}",
            Text("; ".join(reason.detail for reason in record.reasons)),
        )
    console.print(table)
    console.print(Text(_about(records[0]), "dim"), soft_wrap=False)


def _about(record: "VerdictRecord") -> str:
    model = record.model
    version = f", version {model.version}" if model.version else ""
    leak = f"{LEAK} " if model.leaky else ""
    rendered = f"{SYNTHETIC} " if model.synthetic else ""
    return (
        f"{leak}{rendered}Judged by {model.candidate} ({model.name}{version}, "
        f"{model.sha256[:12]}). P(FAKE) is what it would be {if_fake(record.prior)}. The interval "
        "covers only how frames of a video differ. A verdict is evidence, not proof."
    )


def write_csv(records: Sequence["VerdictRecord"], file: TextIO) -> None:
    """Write the verdicts as CSV with the columns ``COLUMNS`` and a row for each file.

    The column ``reasons`` holds codes with spaces between them.
    """
    # Every text is quoted: some spreadsheets also split at a semicolon or tab within a name.
    rows = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    rows.writerow(COLUMNS)
    for record in records:
        low, high = record.interval or (None, None)
        name = record.file.path or record.file.name
        rows.writerow(
            [
                f"./{name}" if name.startswith(_FORMULA) else name,
                record.verdict,
                record.probability,
                low,
                high,
                len(record.tracks),
                record.coverage.judged,
                record.coverage.asked,
                " ".join(reason.code for reason in record.reasons),
                record.file.sha256,
                record.model.name,
                record.model.version,
                record.model.sha256,
                record.prior,
            ]
        )


def write_index(pages: Sequence[tuple["VerdictRecord", Path]], folder: Path) -> Path:
    """Write ``index.html``, which links the reports in a folder, and return its path.

    Raises:
        OSError: The folder cannot be written.
    """
    from dfd.files import write_text
    from dfd.scan.report import index_page  # here: OpenCV and ONNX Runtime take long to import

    path = folder / "index.html"
    links = [(record, page.relative_to(folder).as_posix()) for record, page in pages]
    write_text(path, index_page(links))
    return path
