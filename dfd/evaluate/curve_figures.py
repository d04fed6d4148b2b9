"""Figures of the curves and counts of an evaluation.

REAL is blue and FAKE is orange, which people with the common colour deficiencies can tell apart;
position, text or hatching marks the class as well. Curves of the detector as a whole are black.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from scipy.stats import norm

from dfd.colours import COLOURS, TEXT_COLOURS
from dfd.evaluate.evaluation import Coverage, Judgement
from dfd.labels import LABELS
from dfd.plots import FAINT, INK, SQUARE, panel, titled
from dfd.scoring.decision import THRESHOLD, Decision
from dfd.scoring.metrics import BINS, Metrics
from dfd.scoring.wording import number, share_of

_TICKS = np.array([0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9])


def confusion_matrix_figure(metrics: Metrics, title: str) -> Figure:
    """Draw the confusion matrix, with the counts and their shares of each true class."""
    counts = np.array([[metrics.tn, metrics.fp], [metrics.fn, metrics.tp]])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = panel(title)
    axes.imshow(shares, cmap="Greys", vmin=0, vmax=1.25)
    names = (("TN", "FP"), ("FN", "TP"))
    for row in range(2):
        for column in range(2):
            axes.text(
                column,
                row,
                f"{names[row][column]}\n{counts[row, column]:,}\n{shares[row, column]:.0%}",
                ha="center",
                va="center",
                fontsize=13,
                color="white" if shares[row, column] > 0.6 else "black",
            )
    axes.set_xticks([0, 1], [f"called {name}" for name in LABELS])
    axes.set_yticks([0, 1], [f"is {name}" for name in LABELS], rotation=90, va="center")
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        for label, name in zip(ticks, LABELS, strict=True):
            label.set_color(TEXT_COLOURS[name])
    return figure


def roc_figure(points: pd.DataFrame, video: Judgement, title: str) -> Figure:
    """Draw the ROC curve, with the AUC and its interval.

    Args:
        points: The points of the curve (``dfd.evaluate.curves.roc_points``).
        video: The metrics of videos.
        title: Title of the figure.
    """
    figure, axes = panel(title)
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", label="chance")
    axes.plot(
        points["fpr"], points["tpr"], color=INK, linewidth=2, label=_with_interval("AUC", video)
    )
    axes.set(xlabel="REAL called FAKE (FPR)", ylabel="FAKE called FAKE (TPR)")
    return _finish(figure, axes, points.empty)


def pr_figure(points: pd.DataFrame, video: Judgement, title: str) -> Figure:
    """Draw the precision-recall curve, with the average precision and its interval.

    Args:
        points: The points of the curve (``dfd.evaluate.curves.pr_points``).
        video: The metrics of videos.
        title: Title of the figure.
    """
    figure, axes = panel(title)
    share = (video.metrics.tp + video.metrics.fn) / video.metrics.n
    axes.axhline(share, color=FAINT, linestyle=":", label=f"chance: {share:.0%} are FAKE")
    axes.step(
        points["recall"],
        points["precision"],
        where="pre",
        color=INK,
        linewidth=2,
        label=_with_interval("AP", video),
    )
    axes.set(xlabel="FAKE found (recall)", ylabel="FAKE among called FAKE (precision)")
    return _finish(figure, axes, points.empty)


def det_figure(points: pd.DataFrame, video: Judgement, title: str) -> Figure:
    """Draw the detection error trade-off (DET) curve, both axes in normal deviates.

    Martin et al., *The DET curve in assessment of detection task performance*, Eurospeech 1997. An
    error rate of 0, which has no normal deviate, is drawn as the rate of half a video.

    Args:
        points: The points of the ROC curve (``dfd.evaluate.curves.roc_points``).
        video: The metrics of videos.
        title: Title of the figure.
    """
    figure, axes = panel(title)
    reals = video.metrics.tn + video.metrics.fp
    fakes = video.metrics.tp + video.metrics.fn
    least = float(np.clip(0.5 / max(reals, fakes, 1), 0.0008, 0.04))
    ends = float(norm.ppf(least)), float(norm.ppf(0.92))
    axes.plot(ends, ends, color=FAINT, linestyle=":", label="equal error rates")
    rates = (points["fpr"], reals), (1 - points["tpr"], fakes)
    across, down = (
        norm.ppf(np.clip(rate, 0.5 / max(videos, 1), 1 - 0.5 / max(videos, 1)))
        for rate, videos in rates
    )
    axes.plot(across, down, color=INK, linewidth=2, label=_with_interval("EER", video))
    ticks = _TICKS[least <= _TICKS]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(norm.ppf(ticks).tolist(), [f"{100 * rate:g}" for rate in ticks])
    axes.set(xlabel="REAL called FAKE, %", ylabel="FAKE called REAL, %")
    return _finish(figure, axes, points.empty, ends)


def reliability_figure(bins: pd.DataFrame, video: Judgement, title: str) -> Figure:
    """Draw the reliability diagram, and below it the number of videos per bin.

    Args:
        bins: The bins (``dfd.evaluate.curves.reliability_bins``).
        video: The metrics of videos.
        title: Title of the figure.
    """
    figure = Figure(figsize=SQUARE, layout="constrained")
    axes, below = figure.subplots(2, sharex=True, height_ratios=[3, 1])
    ece = number(video.metrics.ece, video.intervals.get("ece"))
    titled(axes, f"{title}: ECE {ece}")
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", label="perfect calibration")
    axes.vlines(bins["score"], bins["score"], bins["fake_share"], color=FAINT, linewidth=1)
    axes.plot(bins["score"], bins["fake_share"], "o-", color=INK, label=f"{BINS} bins of scores")
    axes.set(ylabel="share that is FAKE", ylim=(-0.04, 1.04), xlim=(-0.02, 1.02))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    below.bar(bins["low"], bins["videos"], width=1 / BINS, align="edge", color=FAINT, edgecolor="w")
    below.set(xlabel="P(FAKE) at the share of FAKE here", ylabel="videos")
    below.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=10)
    return figure


def score_figure(videos: pd.DataFrame, decision: Decision, title: str) -> Figure:
    """Draw histograms of the scores, REAL above FAKE, with threshold and inconclusive band.

    Args:
        videos: One row per video, with the columns ``label`` and ``score`` (calibrated, 0..1).
        decision: The inconclusive band.
        title: Title of the figure.
    """
    figure = Figure(figsize=SQUARE, layout="constrained")
    both = figure.subplots(2, sharex=True, sharey=True)
    titled(both[0], title)
    low, high = decision.band()
    for axes, name in zip(both, LABELS, strict=True):
        scores = videos.loc[videos["label"] == name, "score"]
        axes.hist(
            scores,
            bins=np.linspace(0, 1, 26).tolist(),
            color=COLOURS[name],
            edgecolor="white",
            hatch="" if name == "REAL" else "///",
        )
        if high > low:
            axes.axvspan(low, high, color="#dddddd", linewidth=0, zorder=0, label="inconclusive")
        axes.axvline(THRESHOLD, color=INK, linestyle="--", label=f"threshold {THRESHOLD:g}")
        axes.set(xlim=(0, 1), ylabel=f"{name} videos ({len(scores):,})")
        axes.yaxis.label.set_color(TEXT_COLOURS[name])
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    both[1].set_xlabel("video score, P(FAKE)")
    shown = both[0].get_legend_handles_labels()
    figure.legend(*shown, loc="outside lower center", ncols=2, frameon=False, fontsize=10)
    return figure


def risk_coverage_figure(curve: pd.DataFrame, coverage: Coverage, title: str) -> Figure:
    """Draw the risk-coverage curve, and on it the point that the inconclusive band gives.

    Args:
        curve: The points of the curve (``dfd.evaluate.curves.risk_coverage``).
        coverage: How many videos get a verdict with the inconclusive band.
        title: Title of the figure.
    """
    figure, axes = panel(title)
    axes.step(
        curve["coverage"],
        curve["risk"],
        where="post",
        color=INK,
        linewidth=2,
        label="most certain videos first",
    )
    if coverage.error is not None:
        axes.plot(
            coverage.coverage,
            coverage.error,
            "D",
            color="white",
            markeredgecolor=INK,
            markeredgewidth=2,
            markersize=9,
            label=f"with the band: {coverage.coverage:.0%} covered, "
            f"{share_of(coverage.wrong, coverage.verdicts)} wrong",
        )
    risks = [0.05, *(curve["risk"] * 1.12), 1.12 * (coverage.error or 0)]
    axes.set(xlabel="videos with a verdict", ylabel="verdicts that are wrong")
    axes.set(xlim=(0, 1.02), ylim=(-0.03 * max(risks), max(risks)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    axes.grid(alpha=0.25)
    figure.legend(loc="outside lower center", frameon=False, fontsize=10)
    return figure


def _with_interval(metric: str, video: Judgement) -> str:
    key = metric.lower()
    value, interval = getattr(video.metrics, key), video.intervals.get(key)
    lacking = " (no interval)" if value is not None and interval is None else ""
    return f"{metric} {number(value, interval)}{lacking}"


def _finish(
    figure: Figure, axes: Axes, empty: bool, ends: tuple[float, float] = (0.0, 1.0)
) -> Figure:
    rim = 0.02 * (ends[1] - ends[0])
    limits = (ends[0] - rim, ends[1] + rim)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.grid(alpha=0.25)
    if empty:
        centre = sum(limits) / 2
        words = "one class only:\nno such curve"
        axes.text(centre, centre, words, fontsize=13, ha="center", va="center")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=10)
    return figure
