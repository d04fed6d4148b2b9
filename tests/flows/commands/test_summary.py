import copy
from typing import Any

import pytest
from rich.console import Console

from dfd.evaluate.records import as_record
from flows.commands.summary import WIDTH, summary_table
from tests.evaluate.subject import evaluation

REGISTERED = {"champion": 2, "challenger": 1, "candidates": {"small": {"version": 2}}}
SURE = as_record(evaluation(40, gain=6.0), leaky=False)


def shown(evaluations: dict[str, Any], *, leaky: bool = False) -> str:
    console = Console(width=WIDTH)
    with console.capture() as capture:
        table, notes = summary_table(evaluations, REGISTERED, leaky=leaky)
        console.print(table)
        console.print(*notes, sep="\n")
    return capture.get()


def row(text: str, name: str) -> str:
    (found,) = [line for line in text.splitlines() if line.startswith((f"{name} ", f" {name} "))]
    return found


def test_a_candidate_stands_with_its_figures_beside_every_baseline() -> None:
    text = shown({"small": SURE})
    small = row(text, "small")
    video = SURE["video"]
    assert f"{video['auc']:.3f} ({video['auc_low']:.3f}–{video['auc_high']:.3f})" in small
    assert f"{SURE['auc_above_baseline']:+.3f}*" in small
    assert f"{video['ece']:.3f}" in small
    assert f"{SURE['verdicts_wrong']} of {SURE['verdicts']}" in small
    assert small.rstrip().endswith("2 champion")
    for name in ("majority", "image statistics"):
        assert row(text, f"baseline: {name}")


def test_a_figure_that_cannot_be_had_has_its_reason_below() -> None:
    few = as_record(evaluation(4), leaky=False)
    one_class = as_record(evaluation(12, classes=("FAKE",)), leaky=False)
    text = shown({"sure": SURE, "few": few, "one class": one_class})
    assert "¹ 4 groups; an interval needs 10" in text
    assert "² every item is FAKE" in text
    assert "¹" in row(text, "few")
    assert "—²" in row(text, "one class")
    assert "¹" not in row(text, "sure")


def test_a_gain_that_is_not_sure_has_no_star() -> None:
    assert "*" not in row(shown({"few": as_record(evaluation(4), leaky=False)}), "few")


@pytest.mark.parametrize("name", ["inception_resnet_v2", "a" * 60, "[red]x[/red]"])
def test_it_fits_a_terminal_and_keeps_its_figures(name: str) -> None:
    long = copy.deepcopy(SURE) | {"verdicts_wrong": 80, "auc_above_baseline": -0.5}
    registered = {"challenger": 12, "candidates": {name: {"version": 12}}}
    console = Console(width=WIDTH)
    with console.capture() as capture:
        console.print(summary_table({name: long}, registered, leaky=True)[0])
    text = capture.get()
    assert max(map(len, text.splitlines())) <= WIDTH
    assert name[:19] in text
    assert "LEAKY" in text
    video = SURE["video"]
    for figure in (f"({video['auc_low']:.3f}–{video['auc_high']:.3f})", "-0.500", "12 challenger"):
        assert figure in text
