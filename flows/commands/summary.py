"""``dfd summary``: the results of the last run in one table."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dfd.errors import EvaluationError
from dfd.params.training import candidate_names
from dfd.scoring.wording import share_of
from dfd.words import LEAK
from flows.paths import (
    REGISTRATION,
    SPLIT_SUMMARY,
    evaluated,
    metrics_dir,
    plots_dir,
    read_result,
)

WIDTH = 100
_MARKS = "¹²³⁴⁵⁶⁷⁸⁹"
_FIGURES = ("video AUC (95 %)", "gain", "coverage", "wrong", "ECE")


def print_summary() -> None:
    """Print the candidates' test figures beside the baselines, and where the reports are.

    Raises:
        EvaluationError: A stage has not run yet, or another version of dfd wrote its results.
        ParamsError: ``params.yaml`` names no candidate.
    """
    split = read_result(SPLIT_SUMMARY)
    names = evaluated(candidate_names())
    registration = read_result(REGISTRATION)
    evaluations = {name: read_result(metrics_dir(name) / "evaluation.json") for name in names}
    console = Console(width=WIDTH, highlight=False)
    try:
        table, notes = summary_table(evaluations, registration, leaky=split["leaky"])
    except KeyError as error:
        raise EvaluationError(
            f"metrics/: no figure {error}, as another version has written it; run `dvc repro`"
        ) from error
    console.print(table)
    for note in notes:
        console.print(note, style="dim", markup=False)
    console.print(f"Reports    {', '.join(f'{plots_dir(n)}/evaluation.html' for n in names)}")
    console.print("Figures    metrics/   (dvc metrics show, dvc plots show)")
    console.print("Registry   make ui, then http://127.0.0.1:5000 (MLflow) and :4200 (Prefect)")


def summary_table(
    evaluations: Mapping[str, Mapping[str, Any]], registration: Mapping[str, Any], *, leaky: bool
) -> tuple[Table, list[str]]:
    """Return the table and the lines below it.

    Args:
        evaluations: Content of ``evaluation.json`` by candidate; at least one.
        registration: Content of ``registration.json``.
        leaky: Whether the split leaks.
    """
    any_evaluation = next(iter(evaluations.values()))
    title = f"{any_evaluation['videos']} test videos of groups that training never saw"
    table = Table(
        title=LEAK if leaky else title,
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("candidate", overflow="fold")
    for column in _FIGURES:
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("version", no_wrap=True)
    marks = _marks(one["intervals_refused"] for one in evaluations.values())
    for name, one in evaluations.items():
        surely = one["auc_above_baseline_low"] is not None and one["auc_above_baseline_low"] > 0
        table.add_row(
            escape(name),
            f"{_auc(one['video'])}{marks.get(one['intervals_refused'], '')}",
            _number(one["auc_above_baseline"], "+.3f") + ("*" if surely else ""),
            _number(one["coverage"], ".0%"),
            share_of(one["verdicts_wrong"], one["verdicts"]),
            _number(one["video"]["ece"], ".3f"),
            _version(name, registration),
        )
    for name, baseline in any_evaluation["baselines"].items():
        called = escape(f"baseline: {name.replace('_', ' ')}")
        ece = _number(baseline["ece"], ".3f")
        table.add_row(called, _auc(baseline), "", "", "", ece, "", style="dim")
    strongest = sorted(
        {one["strongest_baseline"].replace("_", " ") for one in evaluations.values()}
    )
    notes = [f"{mark} {reason}" for reason, mark in marks.items()]
    notes.append(
        f"gain: AUC above the strongest baseline ({', '.join(strongest)}); * surely above 0"
    )
    notes.append("coverage: videos with a verdict; wrong: of these verdicts")
    return table, notes


def _marks(reasons: Iterable[str | None]) -> dict[str | None, str]:
    """Return a mark for every reason there is."""
    known = dict.fromkeys(reason for reason in reasons if reason)
    return {reason: _MARKS[number % len(_MARKS)] for number, reason in enumerate(known)}


def _auc(figures: Mapping[str, Any]) -> str:
    low, high = figures["auc_low"], figures["auc_high"]
    interval = "" if low is None else f" ({low:.3f}–{high:.3f})"
    return f"{_number(figures['auc'], '.3f')}{interval}"


def _number(value: float | None, form: str) -> str:
    return "—" if value is None else format(value, form)


def _version(name: str, registration: Mapping[str, Any]) -> str:
    version = registration["candidates"].get(name, {}).get("version", "—")
    held = (alias for alias in ("champion", "challenger") if registration.get(alias) == version)
    return " ".join([str(version), *held])
