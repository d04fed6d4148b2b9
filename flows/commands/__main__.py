"""The ``dfd`` command."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from dfd.errors import DfdError
from flows.commands.dataset import app as dataset
from flows.commands.faces import app as faces
from flows.commands.registry import app as registry
from flows.commands.scan import scan
from flows.commands.serve import serve

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Deepfake-video detection.")
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
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Deepfake-video detection."""


@app.command()
def use(
    videos: Annotated[Path, typer.Argument(help="Folder of labelled videos.")],
    layout: Annotated[
        str | None, typer.Option(help="How their labels are written; else the folder tells.")
    ] = None,
) -> None:
    """Point params.yaml at a folder of labelled videos, of any layout in docs/datasets.md."""
    from flows.commands.use import use_videos

    section, labels, parts = use_videos(videos, layout, Path("params.yaml"))
    print(f"params.yaml: dataset.videos is {section.videos} (layout {section.layout})")
    print(f"{labels['REAL']} REAL and {labels['FAKE']} FAKE videos")
    if parts:
        counts = ", ".join(f"{part} {count}" for part, count in sorted(parts.items()))
        print(f"official split: {counts} (split.protocol: official follows it)")


@app.command()
def summary() -> None:
    """Print what each candidate reached, and where to look."""
    from flows.commands.summary import print_summary

    print_summary()


@app.command()
def extract(
    paths: Annotated[list[Path], typer.Argument(help="Videos, or folders of them.")],
    out: Annotated[Path, typer.Option(help="Folder for the shards and tables; replaced.")],
    params: Annotated[
        Path, typer.Option(help="File whose sections faces and workers are used.")
    ] = Path("params.yaml"),
) -> None:
    """Extract the faces of any videos, outside the workflow, as the stage faces does.

    They are those of the videos named this time; what is extracted already is not done again.
    It runs on this machine, whatever workers.runner says.
    """
    from dfd.params.faces import FacesParams
    from dfd.params.section import load_section
    from dfd.params.workers import WorkerParams
    from flows.commands.extract import extract_paths
    from tasks.workers import limits_of

    limits = limits_of(load_section(WorkerParams, params))
    extract_paths(paths, out, load_section(FacesParams, params), limits)


def main() -> None:
    """Run the command; an error a user can act on is one line, exit code 2."""
    try:
        app()
    except DfdError as error:
        print(f"dfd: {error.line}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
