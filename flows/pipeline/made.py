"""What each stage has made, in a few words, read from its outputs."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from dfd.dataset.table import read_index
from dfd.faces.reader import read_manifest
from dfd.words import counted, marked
from flows.paths import (
    FACES,
    INDEX,
    REGISTRATION,
    SPLIT_SUMMARY,
    metrics_dir,
    plots_dir,
    read_result,
)
from tasks.pipeline import StageRun


def described(run: StageRun) -> str:
    """Return what a stage has made, or that it did not run.

    Args:
        run: The stage and its outcome. A stage that this project does not have is not described.

    Raises:
        EvaluationError: An output of the stage is missing or damaged.
    """
    if run.outcome == "unchanged":
        return "unchanged"
    name, _, candidate = run.stage.partition("@")
    made = _MADE[name](candidate) if name in _MADE else ""
    return f"restored from the cache: {made}" if run.outcome == "restored" else made


def _dataset(_: str) -> str:
    index = read_index(INDEX)
    labels = ", ".join(f"{(index['label'] == label).sum():,} {label}" for label in ("REAL", "FAKE"))
    groups = counted(index["group"].nunique(), "group")
    unreadable = int(index["duration"].isna().sum())
    damaged = f"; {unreadable:,} unreadable" if unreadable else ""
    return f"{counted(len(index), 'video')} ({labels}) in {groups}{damaged}"


def _split(_: str) -> str:
    summary = read_result(SPLIT_SUMMARY)
    parts = ", ".join(f"{part} {one['videos']:,}" for part, one in summary["parts"].items())
    warnings = summary["audit"]["warnings"]
    found = (
        f"{counted(warnings, 'warning')}, see metrics/split.html" if warnings else "no leak found"
    )
    return marked(f"{parts} videos", True) if summary["leaky"] else f"{parts} videos; {found}"


def _faces(_: str) -> str:
    manifest = read_manifest(FACES)
    without = int(manifest["reason"].notna().sum())
    none = f"; {without:,} gave no crop" if without else ""
    crops = counted(int(manifest["crops"].sum()), "crop")
    return f"{crops} of {counted(len(manifest), 'video')}{none}"


def _train(candidate: str) -> str:
    result = read_result(metrics_dir(candidate) / "train.json")
    figures = f"validation AUC {_figure(result['validation_video']['auc'])}"
    epochs = counted(result["epochs"], "epoch")
    return marked(f"{epochs}, {figures} (best: epoch {result['best_epoch']})", result["leaky"])


def _evaluate(candidate: str) -> str:
    result = read_result(metrics_dir(candidate) / "evaluation.json")
    auc = _figure(result["video"]["auc"])
    return marked(f"video AUC {auc} on {counted(result['videos'], 'test video')}", result["leaky"])


def _robustness(candidate: str) -> str:
    table = pd.read_csv(plots_dir(candidate) / "robustness.csv")
    return f"video AUC under {counted(table['perturbation'].nunique() - 1, 'perturbation')}"


def _register(_: str) -> str:
    result = read_result(REGISTRATION)
    held = {result[alias]: f" {alias}" for alias in ("challenger", "champion") if alias in result}
    return ", ".join(
        f"{name} is version {one['version']}{held.get(one['version'], '')}"
        for name, one in result["candidates"].items()
    )


def _figure(value: Any) -> str:
    return "—" if value is None else f"{value:.3f}"


_MADE: dict[str, Callable[[str], str]] = {
    "dataset": _dataset,
    "split": _split,
    "faces": _faces,
    "train": _train,
    "evaluate": _evaluate,
    "robustness": _robustness,
    "register": _register,
}
