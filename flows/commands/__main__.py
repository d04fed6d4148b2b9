"""The ``dfd`` command."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from dfd.errors import DfdError
from dfd.extras import extra_with, install_command
from dfd.files import refusal
from flows.commands.dataset import app as dataset
from flows.commands.faces import app as faces
from flows.commands.registry import app as registry
from flows.commands.scan import scan
from flows.commands.serve import serve
from flows.commands.workflow import pipeline, run, use

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Deepfake-video detection.",
)
app.command()(use)
app.command()(run)
app.command()(pipeline)
app.add_typer(dataset, name="dataset")
app.add_typer(faces, name="faces")
app.add_typer(registry, name="registry")
app.command()(scan)
app.command()(serve)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"dfd {version('dfd')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Deepfake-video detection."""


@app.command()
def summary() -> None:
    """Print the test figures of every candidate, and where the reports are."""
    from flows.commands.summary import print_summary

    print_summary()


@app.command()
def extract(
    paths: Annotated[list[Path], typer.Argument(help="Videos, or folders of videos.")],
    out: Annotated[
        Path, typer.Option(help="Folder for the face crops; an earlier extraction is replaced.")
    ],
    params: Annotated[
        Path, typer.Option(help="File with the sections faces and workers to use.")
    ] = Path("params.yaml"),
) -> None:
    """Extract the faces of any videos as the stage faces does, outside the workflow.

    The output holds the videos of this call alone. A video that an earlier call has extracted into
    the same folder is not extracted again. Everything runs on this machine, whatever
    workers.runner says.
    """
    from dfd.params.faces import FacesParams
    from dfd.params.section import load_section
    from dfd.params.workers import WorkerParams
    from flows.commands.extract import extract_paths
    from tasks.workers import limits_of

    limits = limits_of(load_section(WorkerParams, params))
    extract_paths(paths, out, load_section(FacesParams, params), limits)


def main() -> None:
    """Run the command; an error that a user can act on is one line, and the exit code 2.

    A package that only an extra brings, and that is not installed, is such an error. With
    ``DFD_DEBUG`` set, the traceback is shown.
    """
    try:
        sys.exit(app(prog_name="dfd", standalone_mode=False))
    except typer.TyperException as error:  # the command line is wrong, or too short to do anything
        told = error.format_message()
        print(told if told.startswith("Usage: ") else f"dfd: {told} (see --help)", file=sys.stderr)
        sys.exit(2)
    except DfdError as error:
        if os.environ.get("DFD_DEBUG"):
            raise
        print(f"dfd: {error.line}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        line = refusal(error)
        if line is None or os.environ.get("DFD_DEBUG"):
            raise
        print(f"dfd: {line}", file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        extra = extra_with(error.name or "")
        if extra is None or os.environ.get("DFD_DEBUG"):
            raise
        print(
            f"dfd: {error.name} is not installed, which this needs; {install_command(extra)}",
            file=sys.stderr,
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
