"""Figures of a training run: the training curves, and a batch as it is fed to the network."""

import keras
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dfd.colours import COLOURS
from dfd.labels import LABELS
from dfd.train.feed.feed import Feed
from dfd.train.feed.tone import ToneAugmentation

_COLUMNS, _SHOWN = 8, 32
_TRAINING, _VALIDATION, _VIDEOS = "#444444", "#c2185b", "#2e7d32"


def training_figure(curves: pd.DataFrame, title: str) -> Figure:
    """Draw loss, accuracy, AUC and learning rate over the epochs.

    Args:
        curves: One row per epoch, as ``dfd.train.loop.history.curves`` returns it.
        title: Title of the figure.

    Example:
        >>> from dfd.train.loop.history import EpochRecord, curves
        >>> figure = training_figure(curves([EpochRecord("full", 1, *[0.5] * 13)]), "mesonet")
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['binary cross-entropy', 'accuracy', 'AUC', 'learning rate']
    """
    figure = Figure(figsize=(10, 6.6), layout="constrained")
    (losses, accuracies), (aucs, rates) = figure.subplots(2, 2)
    for column, name, colour in (
        ("loss", "training", _TRAINING),
        ("val_loss", "validation", _VALIDATION),
    ):
        _draw(losses, curves, column, name, colour)
    for column, name, colour in (
        ("accuracy", "training", _TRAINING),
        ("inference_accuracy", "training crops, inference mode", "#9e9e9e"),
        ("val_accuracy", "validation", _VALIDATION),
    ):
        _draw(accuracies, curves, column, name, colour)
    for column, name, colour in (
        ("auc", "training crops", _TRAINING),
        ("val_frame_auc", "validation crops", _VALIDATION),
        ("val_video_auc", "validation videos", _VIDEOS),
    ):
        _draw(aucs, curves, column, name, colour)
    _draw(rates, curves, "learning_rate", "last step of the epoch", _TRAINING)
    losses.set(ylabel="binary cross-entropy")
    accuracies.set(ylabel="accuracy", ylim=(0, 1.03))
    aucs.set(ylabel="AUC", ylim=(0, 1.03))
    rates.set(ylabel="learning rate")
    for axes in (losses, accuracies, aucs, rates):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(fontsize=8)
        full = curves.index[curves["phase"] == "full"]
        if len(full) and full[0]:
            axes.axvline(full[0] + 0.5, color="#bbbbbb", linestyle=":")  # the head phase ends
    figure.suptitle(title, fontsize=11)
    return figure


def _draw(axes: Axes, curves: pd.DataFrame, column: str, name: str, colour: str) -> None:
    axes.plot(curves["epoch"], curves[column], marker=".", color=colour, label=name)


def batch_figure(feed: Feed, title: str) -> Figure:
    """Draw the first crops of the first batch of an epoch, with their augmentation.

    Args:
        feed: The batches of the epoch.
        title: Title of the figure.
    """
    (pixels, tones), targets = feed.batch(0)
    shown = min(_SHOWN, len(pixels))
    augmented = keras.ops.convert_to_numpy(ToneAugmentation()(pixels[:shown], tones[:shown])) / 255
    rows = -(-shown // _COLUMNS)
    figure = Figure(figsize=(1.25 * _COLUMNS, 1.5 * rows + 0.4), layout="constrained")
    for axes, crop, target in zip(
        figure.subplots(rows, _COLUMNS, squeeze=False).flat, augmented, targets, strict=False
    ):
        label = LABELS[int(np.argmax(target))]
        axes.imshow(crop)
        axes.set_title(label, fontsize=8, color=COLOURS[label])
    for axes in figure.axes:
        axes.set_axis_off()
    figure.suptitle(title, fontsize=11)
    return figure
