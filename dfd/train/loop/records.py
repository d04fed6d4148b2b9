"""What is known of a training run after each epoch."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

import pandas as pd

PhaseName = Literal["head", "full"]

OF_THE_MACHINE = ("seconds", "images_per_second", "waiting", "memory_mb")


@dataclass(frozen=True)
class EpochRecord:
    """The figures of one epoch; ``epoch`` counts from 1 through both phases.

    ``loss``, ``accuracy`` and ``auc`` are those seen while training, under dropout and
    augmentation; ``inference_accuracy`` is that of some hundred of the same crops once the network
    no longer trains. In ``val_loss`` both classes weigh the same; the accuracies count crops at a
    threshold of 0.5. ``learning_rate`` is that of the last step. The last four depend on the
    machine: ``waiting`` is the share of the training time spent waiting for batches, 0..1, and
    ``memory_mb`` the most the GPU held so far, or without one what the process holds.
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

    @property
    def merit(self) -> tuple[float, float]:
        """What the best epoch has most of: validation AUC over videos, then less loss."""
        return self.val_video_auc, -self.val_loss


def curves(history: Sequence[EpochRecord]) -> pd.DataFrame:
    """Return a row per epoch, without what depends on the machine: equal runs, equal tables."""
    names = [field.name for field in fields(EpochRecord) if field.name not in OF_THE_MACHINE]
    return pd.DataFrame([[getattr(r, n) for n in names] for r in history], columns=names)
