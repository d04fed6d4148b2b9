"""Figures that compare metrics: a dot for each value, a line for its 95 % interval."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dfd.evaluate.evaluation import Evaluation
from dfd.plots import FAINT, INK, panel, shortened
from dfd.scoring.bootstrap import Interval
from dfd.scoring.wording import interval_of, number

_ROW = 0.34  # height in inches


def baselines_figure(evaluation: Evaluation, title: str) -> Figure:
    """Draw the AUC of the detector and, below it, that of every baseline, best first.

    Args:
        evaluation: The evaluation of the detector.
        title: Title of the figure.
    """
    video, within = evaluation.levels["video"], evaluation.within
    rows = [("detector", video.metrics.auc, video.intervals.get("auc"), "o", INK)]
    if within:
        rows.append(("detector, within groups", within.auc, within.interval, "D", INK))
    best_first = sorted(evaluation.baselines.items(), key=lambda item: -(item[1].metrics.auc or 0))
    for name, baseline in best_first:
        label = f"baseline: {name.replace('_', ' ')}"
        rows.append((label, baseline.metrics.auc, baseline.intervals.get("auc"), "s", FAINT))
    figure, axes = panel(title, (9.0, 1.4 + 1.2 * _ROW * len(rows)))
    axes.axvline(0.5, color=FAINT, linestyle=":")
    white_box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    axes.text(0.5, -0.75, "chance", color="#555555", ha="center", fontsize=9, bbox=white_box)
    for place, (_, value, interval, marker, colour) in enumerate(rows):
        _dot(axes, place, value, interval, marker, colour)
        axes.text(1.04, place, number(value, interval), va="center", fontsize=10)
    _name_rows(axes, [row[0] for row in rows], "AUC of test videos", 1.34)
    axes.set_ylim(len(rows) - 0.5, -1.0)
    return figure


def slices_figure(slices: pd.DataFrame, title: str) -> Figure:
    """Draw the AUC of every slice, and beside it the recall of its fakes.

    Args:
        slices: The metrics of the slices (``dfd.evaluate.slices.slice_figures``).
        title: Title of the figure.
    """
    names: list[str] = []
    headings: list[int] = []
    rows: dict[int, pd.Series] = {}  # by their place among the names
    for name, part in slices.groupby("slice", sort=False):
        headings.append(len(names))
        names.append(shortened(str(name), 30))
        for _, row in part.iterrows():
            rows[len(names)] = row
            counts = f"{row['videos']:,} ({row['fakes']:,} FAKE)"
            names.append(f"{shortened(str(row['value']), 20)}   {counts}")
    figure = Figure(figsize=(9.0, 1.3 + _ROW * len(names)), layout="constrained")
    both = figure.subplots(1, 2, sharey=True)
    figure.suptitle(shortened(title, 90), fontsize=10.5, x=0.01, ha="left", parse_math=False)
    for axes, metric, marker in ((both[0], "auc", "o"), (both[1], "recall", "^")):
        for place, row in rows.items():
            value, interval = row[metric], interval_of(*_ends(row, metric))
            _dot(axes, place, None if pd.isna(value) else value, interval, marker, INK)
            axes.text(1.1, place, number(value, interval), va="center", fontsize=9)
    both[0].axvline(0.5, color=FAINT, linestyle=":")
    _name_rows(both[0], names, "AUC (dotted: chance)", 2.2)
    _name_rows(both[1], names, "recall of FAKE", 2.2)
    both[1].tick_params(labelleft=False)
    for heading in headings:
        both[0].get_yticklabels()[heading].set_fontweight("bold")
    both[0].set_ylim(len(names) - 0.4, -0.6)
    return figure


def _ends(row: pd.Series, metric: str) -> tuple[float | None, float | None]:
    return row[f"{metric}_low"], row[f"{metric}_high"]


def _dot(
    axes: Axes,
    place: int,
    value: float | None,
    interval: Interval | None,
    marker: str,
    colour: str,
) -> None:
    if value is None:
        return
    if interval:
        axes.plot([interval.low, interval.high], [place, place], color=colour, linewidth=2)
    axes.plot(value, place, marker, color=colour, markersize=8)


def _name_rows(axes: Axes, names: list[str], label: str, right: float) -> None:
    """Name the rows and draw a scale from 0 to 1; text has room from there up to ``right``."""
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_xlim(-0.04, right)
    axes.set_xlabel(label, x=0.54 / (right + 0.04))
    axes.tick_params(axis="y", length=0, labelsize=9.5)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_bounds(0, 1)
    axes.grid(axis="x", alpha=0.25)
