"""The record of every epoch of a run, and the two choices made from it: best epoch, early stop."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

import pandas as pd

PhaseName = Literal["head", "full"]
Criterion = Literal["loss", "auc"]

AUC_FROM_GROUPS = 30

_MACHINE_DEPENDENT = ("seconds", "images_per_second", "waiting", "memory_mb")


@dataclass(frozen=True)
class EpochRecord:
    """The figures of one epoch.

    Attributes:
        phase: ``head`` while only the head is trained on a frozen backbone, ``full`` afterwards.
        epoch: Number of the epoch, from 1, counted through both phases.
        loss: Mean training loss of the epoch, under dropout and augmentation.
        accuracy: Training accuracy of the epoch, 0..1, under dropout and augmentation.
        auc: Training AUC of the epoch, 0..1, under dropout and augmentation.
        inference_accuracy: Accuracy, 0..1, on some hundred training crops in inference mode.
        val_loss: Cross-entropy of the validation crops; REAL and FAKE have the same weight.
        val_accuracy: Accuracy on the validation crops, 0..1, at the threshold 0.5.
        val_frame_auc: AUC over the validation crops, 0..1.
        val_video_auc: AUC over the validation videos, 0..1.
        learning_rate: Learning rate of the epoch's last step.
        seconds: Duration of the epoch, validation included.
        images_per_second: Training crops per second.
        waiting: Share of the training time spent waiting for batches, 0..1.
        memory_mb: Peak memory of the GPU, or the memory of this process where there is no GPU.
    """

    phase: PhaseName
    epoch: int
    loss: float
    accuracy: float
    auc: float
    inference_accuracy: float
    val_loss: float
    val_accuracy: float
    val_frame_auc: float
    val_video_auc: float
    learning_rate: float
    seconds: float
    images_per_second: float
    waiting: float
    memory_mb: float


def criterion_for(groups: int) -> Criterion:
    """Return what the best epoch is chosen by: validation loss, or validation AUC over videos.

    The AUC of few videos moves in large steps and has many ties, so the best of many epochs is the
    luckiest one. The loss of every crop is much steadier. The AUC, which is what a detector is
    wanted for, decides from ``AUC_FROM_GROUPS`` groups on.

    Args:
        groups: Number of groups of the validation part.

    Example:
        >>> criterion_for(12), criterion_for(30)
        ('loss', 'auc')
    """
    return "auc" if groups >= AUC_FROM_GROUPS else "loss"


def best_epoch(history: Sequence[EpochRecord], criterion: Criterion) -> EpochRecord:
    """Return the epoch with the lowest validation loss, or the highest validation AUC over videos.

    Of equally good epochs the one that is better by the other criterion wins, then the earliest.

    Args:
        history: At least one record.
        criterion: What decides first, as ``criterion_for`` returns it.

    Example:
        >>> from dataclasses import replace
        >>> first = EpochRecord("full", 1, *[0.5] * 13)
        >>> second = replace(first, epoch=2, val_video_auc=0.8, val_loss=0.6)
        >>> third = replace(first, epoch=3, val_video_auc=0.7, val_loss=0.4)
        >>> best_epoch([first, second, third], "auc").epoch
        2
        >>> best_epoch([first, second, third], "loss").epoch
        3
    """

    def merit(record: EpochRecord) -> tuple[float, float]:
        auc, loss = record.val_video_auc, record.val_loss
        return (auc, -loss) if criterion == "auc" else (-loss, auc)

    return max(history, key=merit)


def patience_exhausted(
    history: Sequence[EpochRecord], phase: PhaseName, patience: int, criterion: Criterion
) -> bool:
    """Tell whether a phase should stop early.

    Args:
        history: The epochs so far, of both phases; may be empty.
        phase: The phase that is running.
        patience: Number of epochs of this phase without a new best epoch after which it stops.
        criterion: What the best epoch is chosen by.

    Example:
        >>> from dataclasses import replace
        >>> first = EpochRecord("full", 1, *[0.5] * 13)
        >>> history = [first, replace(first, epoch=2), replace(first, epoch=3)]
        >>> patience_exhausted(history, "full", patience=2, criterion="loss")
        True
        >>> patience_exhausted(history, "full", patience=3, criterion="loss")
        False
    """
    if not history:
        return False
    of_earlier_phase = sum(record.phase != phase for record in history)
    best = best_epoch(history, criterion).epoch
    return len(history) - max(best, of_earlier_phase) >= patience


def curves(history: Sequence[EpochRecord]) -> pd.DataFrame:
    """Return the training curves: a row per epoch, a column per figure.

    Figures that depend on the machine (duration, throughput, memory) are left out, so that equal
    runs give equal tables.

    Example:
        >>> curves([EpochRecord("full", 1, *[0.5] * 13)])[["phase", "epoch", "val_video_auc"]]
          phase  epoch  val_video_auc
        0  full      1            0.5
    """
    names = [field.name for field in fields(EpochRecord) if field.name not in _MACHINE_DEPENDENT]
    rows = [[getattr(record, name) for name in names] for record in history]
    return pd.DataFrame(rows, columns=names)
