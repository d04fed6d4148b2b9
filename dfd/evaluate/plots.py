"""Pictures of an evaluation. REAL is blue, FAKE is orange: told apart by every common eye."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import roc_curve

from dfd.evaluate.metrics import Metrics
from dfd.files import replacing
from dfd.labels import LABELS

COLOURS = {"REAL": "#1f6fb4", "FAKE": "#e07b00"}


def confusion_matrix_figure(metrics: Metrics, title: str) -> Figure:
    """Draw the confusion matrix with counts and the share of each true class."""
    counts = np.array([[metrics.tn, metrics.fp], [metrics.fn, metrics.tp]])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = (("TN", "FP"), ("FN", "TP"))
    for row in range(2):
        for column in range(2):
            axes.text(
                column,
                row,
                f"{names[row][column]}\n{counts[row, column]}\n{shares[row, column]:.0%}",
                ha="center",
                va="center",
                fontsize=13,
                color="white" if shares[row, column] > 0.5 else "black",
            )
    axes.set_xticks([0, 1], [f"called {name}" for name in LABELS])
    axes.set_yticks([0, 1], [f"is {name}" for name in LABELS])
    axes.set_title(title, fontsize=11)
    return figure


def roc_points(labels: pd.Series, scores: pd.Series) -> pd.DataFrame:
    """Return the ROC curve as columns ``fpr``, ``tpr`` and ``threshold``; FAKE is positive.

    The first threshold, above every score, is written as 1.
    """
    fpr, tpr, thresholds = roc_curve(labels == "FAKE", scores)
    return pd.DataFrame({"fpr": fpr, "tpr": tpr, "threshold": np.minimum(thresholds, 1.0)})


def roc_figure(points: pd.DataFrame, title: str) -> Figure:
    """Draw a ROC curve from ``roc_points``."""
    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="chance")
    axes.plot(points["fpr"], points["tpr"], color=COLOURS["FAKE"], linewidth=2, label="detector")
    axes.set(xlabel="REAL called FAKE (FPR)", ylabel="FAKE called FAKE (TPR)", title=title)
    axes.title.set_fontsize(11)
    axes.legend(loc="lower right")
    return figure


def score_figure(videos: pd.DataFrame, threshold: float, title: str) -> Figure:
    """Draw the histogram of video scores by class, with the threshold."""
    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.subplots()
    scores = [videos.loc[videos["label"] == name, "score"] for name in LABELS]
    axes.hist(
        scores,
        bins=np.linspace(0, 1, 21).tolist(),
        color=[COLOURS[name] for name in LABELS],
        label=list(LABELS),
        stacked=True,
    )
    axes.axvline(threshold, color="black", linestyle="--", label=f"threshold {threshold:.2f}")
    axes.set(xlabel="video score, P(FAKE)", ylabel="videos, stacked", title=title)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.title.set_fontsize(11)
    axes.legend()
    return figure


def write_figure(path: Path, figure: Figure) -> None:
    """Write a figure as PNG without a date, all or nothing."""
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
