"""The results of the last run in one table."""

from typing import Any

from rich.console import Console
from rich.table import Table

from flows.paths import (
    REGISTRATION,
    SPLIT_SUMMARY,
    evaluated_candidates,
    metrics_dir,
    plots_dir,
    read_result,
)


def print_summary() -> None:
    """Print the candidates' figures on the test part beside the baseline, and where to look.

    Raises:
        EvaluationError: A stage has not run yet.
        ParamsError: ``params.yaml`` names no candidate.
    """
    split = read_result(SPLIT_SUMMARY)
    names = evaluated_candidates()
    registration = read_result(REGISTRATION)
    evaluations = {name: read_result(metrics_dir(name) / "evaluation.json") for name in names}
    any_evaluation = next(iter(evaluations.values()))
    aliases = {
        registration[alias]: alias for alias in ("champion", "challenger") if alias in registration
    }
    title = f"{any_evaluation['videos']} test videos of groups that training never saw"
    table = Table(title="LEAKY: split by frame" if split["leaky"] else title)
    for column in ("candidate", "video AUC", "95 % interval", "accuracy", "balanced", "log loss"):
        table.add_column(column, justify="left" if column == "candidate" else "right")
    table.add_column("version")
    for name in names:
        version = registration["candidates"].get(name, {}).get("version", "—")
        table.add_row(
            name,
            *_cells(evaluations[name]["video"]),
            f"{version} {aliases.get(version, '')}".strip(),
        )
    table.add_row("always the majority", *_cells(any_evaluation["majority"]), "—", style="dim")
    console = Console(width=100)
    console.print(table)
    console.print(f"Pictures   {', '.join(f'{plots_dir(name)}/' for name in names)}")
    console.print("Figures    metrics/   (dvc metrics show, dvc plots show)")
    console.print("Registry   make ui, then http://127.0.0.1:5000 (MLflow) and :4200 (Prefect)")


def _cells(figures: dict[str, Any]) -> list[str]:
    low, high = figures.get("auc_low"), figures.get("auc_high")
    return [
        "—" if figures["auc"] is None else f"{figures['auc']:.3f}",
        "—" if low is None else f"{low:.3f} – {high:.3f}",
        *(f"{figures[key]:.3f}" for key in ("accuracy", "balanced_accuracy", "log_loss")),
    ]
