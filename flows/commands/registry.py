"""``dfd registry``: the versions of the registered model, and which one is the champion."""

from pathlib import Path
from typing import Annotated, Any

import typer

_LONGEST = 1000  # characters of a list of names

app = typer.Typer(
    no_args_is_help=True, help="List, compare, evaluate and promote registered detectors."
)

_Version = Annotated[str, typer.Argument(help="Number of a version, or champion or challenger.")]


@app.command("list")
def list_versions() -> None:
    """List the versions, newest first, with the gate's decision about each."""
    from rich.console import Console
    from rich.table import Table

    from tasks.registry import MOVED, RULING, open_registry

    with open_registry(_params().model) as registry:
        aliases = {number: alias for alias, number in registry.aliases().items()}
        versions = registry.versions()
    table = Table("version", "candidate", "val AUC", "test AUC", "what the gate said", box=None)
    for version in versions:
        alias = aliases.get(int(version.version))
        name = f"{version.version} {alias}" if alias else str(version.version)
        ruling = version.tags.get(RULING, "not ruled on; run `dvc repro register`")
        moved = version.tags.get(MOVED)
        table.add_row(
            name,
            version.tags.get("candidate", ""),
            _rounded(version.tags.get("validation_video_auc")),
            _rounded(version.tags.get("test_video_auc")),
            f"{ruling}\n{moved}" if moved and ruling not in moved else ruling,
        )
    Console(width=100).print(table)


@app.command()
def compare(ours: _Version, theirs: _Version) -> None:
    """Compare two versions on videos that neither was trained on, as the gate does.

    The first version is taken as the challenger, the second as the champion. Nothing is promoted.
    """
    from rich.console import Console
    from rich.table import Table

    from dfd.params.evaluation import EvaluateParams
    from dfd.params.section import load_section
    from dfd.register.gate import rule
    from flows.scoring import score_dataset_videos
    from tasks.register import compare_versions
    from tasks.registry import open_registry

    with open_registry(_params().model) as registry:
        versions = registry.version(ours), registry.version(theirs)
        videos = compare_versions(registry, *versions, score_dataset_videos)
        number = registry.rulings_before(versions[0]) + 1
    bootstrap = load_section(EvaluateParams)
    ruling = rule(videos, number, bootstrap.bootstrap, bootstrap.seed)
    table = Table("", f"{ours} against {theirs}", "for promotion", "", box=None)
    for reason in ruling.reasons:
        table.add_row(reason.what, reason.found, reason.wanted, "yes" if reason.holds else "no")
    console = Console(width=100)
    console.print(f"{len(videos)} videos of {videos['group'].nunique()} groups")
    console.print(table)
    console.print(f"the gate would {ruling.outcome} {ours}")


@app.command()
def promote(version: _Version) -> None:
    """Make a version the champion, whatever the gate has decided."""
    from dfd.detector.network import load_detector
    from dfd.files import project_root
    from flows.paths import CHAMPION
    from tasks.model_version import export_champion
    from tasks.registry import locked_registry

    with locked_registry(_params().model) as registry:
        promoted = registry.version(version)
        load_detector(registry.detector(promoted))  # a damaged detector must not lead
        registry.lead(promoted, "promoted by hand")
        export_champion(registry, project_root() / CHAMPION)
    print(f"version {promoted.version} is the champion")


@app.command()
def rollback() -> None:
    """Make the previous champion the champion again."""
    from dfd.detector.network import load_detector
    from dfd.files import project_root
    from flows.paths import CHAMPION
    from tasks.model_version import export_champion
    from tasks.registry import locked_registry

    with locked_registry(_params().model) as registry:
        former = registry.former()
        load_detector(registry.detector(former))
        registry.roll_back()
        export_champion(registry, project_root() / CHAMPION)
    print(f"version {former.version} is the champion again")


@app.command()
def evaluate(
    version: _Version,
    sets: Annotated[
        list[str],
        typer.Argument(
            help="Data sets, each as LAYOUT:FOLDER. docs/datasets.md lists the layouts."
        ),
    ],
) -> None:
    """Evaluate a version on other data sets, and log the figures to MLflow."""
    from rich.console import Console
    from rich.table import Table

    from flows.commands.cross import cross_evaluate

    rows = cross_evaluate(version, sets)
    table = Table("data set", box=None)
    for column in ("videos", "left out", "coverage", "video AUC", "95 %", "balanced", "log loss"):
        table.add_column(column, justify="right")
    notes: list[str] = []
    for row in rows.itertuples(index=False, name=None):
        name, videos, out, coverage, auc, low, high, balanced, loss, _, why = row
        interval = "—" if low is None else f"{low:.3f} – {high:.3f}"
        notes += [f"{name}: no interval: {why}"] if low is None else []
        cells = (f"{videos}", f"{out}", f"{coverage:.2f}", _rounded(str(auc)), interval)
        table.add_row(name, *cells, f"{balanced:.3f}", f"{loss:.3f}")
    console = Console(width=100)
    console.print(table)
    for note in notes:
        console.print(note, style="dim", markup=False)


@app.command()
def submission(
    version: _Version,
    clips: Annotated[Path, typer.Argument(help="Folder of clips without labels.")],
    out: Annotated[Path, typer.Option(help="CSV file to write.")] = Path("submission.csv"),
) -> None:
    """Score clips without labels, and write Kaggle's submission.csv."""
    from dfd.words import displayed
    from flows.commands.cross import submit

    count, without = submit(version, clips, out)
    print(f"{out}: {count} clips")
    if without:
        names = displayed(", ".join(without), _LONGEST)
        print(f"{len(without)} without a face got 0.5, which says nothing: {names}")


def _params() -> Any:
    from dfd.params.evaluation import RegisterParams
    from dfd.params.section import load_section

    return load_section(RegisterParams)


def _rounded(value: str | None) -> str:
    try:
        return f"{float(value or ''):.3f}"
    except ValueError:
        return "—"
