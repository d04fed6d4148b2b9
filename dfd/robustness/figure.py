"""Figure of a robustness table: one panel per perturbation, with the video AUC at its levels."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dfd.colours import COLOURS
from dfd.robustness.perturbations import PERTURBATIONS
from dfd.robustness.table import CLEAN


def robustness_figure(table: pd.DataFrame, title: str) -> Figure:
    """Draw the video AUC against the levels of each perturbation, one panel each.

    The clean AUC (of the unperturbed videos) is a dashed line through each panel and a square at
    its place among the levels. A filled point differs from the clean AUC: the interval of the
    paired difference excludes zero. A cross has no such interval, because there are too few groups.
    Where fewer videos than before have a crop, the panel says what share of the videos is left.

    Args:
        table: The table of ``dfd.robustness.table.robustness_table``.
        title: Title above the panels.
    """
    clean = table.iloc[0]
    names = list(dict.fromkeys(table["perturbation"].iloc[1:]))
    figure = Figure(figsize=(12, 6), layout="constrained")
    panels = figure.subplots(2, -(-(len(names) + 1) // 2), sharey=True).flat
    for name, axes in zip(names, panels, strict=False):
        _robustness_panel(axes, table[table["perturbation"] == name], clean, name)
    panels = figure.axes[len(names) :]
    panels[0].legend(*figure.axes[0].get_legend_handles_labels(), loc="center", frameon=False)
    for axes in panels:
        axes.axis("off")
    lowest = min(0.5, table["auc_low"].min(), table["auc"].min())
    figure.axes[0].set_ylim(max(0.0, lowest) - 0.04, 1.04)
    figure.supylabel("video AUC")
    figure.suptitle(title, fontsize=12)
    return figure


def _robustness_panel(axes: Axes, rows: pd.DataFrame, clean: pd.Series, name: str) -> None:
    clean_at = PERTURBATIONS[name].clean_at
    line = pd.concat(
        [rows.iloc[:clean_at], clean.to_frame().T, rows.iloc[clean_at:]], ignore_index=True
    )
    numbers = line[["auc", "auc_low", "auc_high", "difference_low", "difference_high"]]
    value, low, high, below, above = numbers.astype(float).to_numpy().T
    places = np.arange(len(line))
    colour = COLOURS["REAL"]
    axes.axhline(0.5, color="grey", linestyle=":", label="chance")
    axes.axhline(clean["auc"], color="black", linestyle="--", linewidth=1, label="clean")
    if not np.isnan(low).all():
        axes.fill_between(places, low, high, color=colour, alpha=0.18, label="95 % interval")
    axes.plot(places, value, color=colour, linewidth=1.5)
    style: dict[str, Any] = {"s": 42, "zorder": 3}
    differs, unknown = (below > 0) | (above < 0), np.isnan(below) & (places != clean_at)
    if unknown.any():
        crosses, label = (places[unknown], value[unknown]), "too few groups to say"
        axes.scatter(*crosses, color=colour, marker="x", label=label, **style)
    for chosen, face, label in (
        (differs, colour, "differs from clean (paired, 95 %)"),
        (~differs, "white", "no difference seen"),
    ):
        chosen = chosen & (places != clean_at) & ~unknown
        if chosen.any() or not unknown.any():
            points = (places[chosen], value[chosen])
            axes.scatter(*points, color=face, edgecolor=colour, label=label, **style)
    axes.scatter(
        [clean_at], [value[clean_at]], marker="s", s=48, color="black", zorder=3, label="no change"
    )
    for place, share in zip(places, line["coverage"].astype(float), strict=True):
        if share < clean["coverage"]:
            axes.annotate(
                f"{share:.0%}\nleft",
                (place, 0.02),
                xycoords=("data", "axes fraction"),
                ha="center",
                va="bottom",
                fontsize=8,
            )
    levels = [CLEAN if i == clean_at else f"{level:g}" for i, level in enumerate(line["level"])]
    axes.set_xticks(places, levels)
    axes.set_xlabel(PERTURBATIONS[name].unit)
    axes.set_title(name, fontsize=11)
