from dataclasses import replace

import numpy as np
import pytest

from dfd.train.loop.history import (
    AUC_FROM_GROUPS,
    EpochRecord,
    best_epoch,
    criterion_for,
    patience_exhausted,
)
from tests.train.loop.test_checkpoint import RECORD


def history(*figures: tuple[float, float]) -> list[EpochRecord]:
    """Return epochs with these validation losses and video AUCs."""
    return [
        replace(RECORD, epoch=number, val_loss=loss, val_video_auc=auc)
        for number, (loss, auc) in enumerate(figures, start=1)
    ]


def test_a_lucky_auc_of_few_groups_does_not_choose_the_epoch() -> None:
    epochs = history((0.69, 0.95), (0.5, 0.8), (0.3, 0.9))
    assert best_epoch(epochs, criterion_for(12)).epoch == 3
    assert best_epoch(epochs, criterion_for(AUC_FROM_GROUPS - 1)).epoch == 3
    assert best_epoch(epochs, criterion_for(AUC_FROM_GROUPS)).epoch == 1


@pytest.mark.parametrize(("groups", "best"), [(12, 3), (40, 2)])
def test_of_equal_epochs_the_other_figure_then_the_earliest_wins(groups: int, best: int) -> None:
    by_loss = history((0.5, 0.7), (0.4, 0.7), (0.4, 0.8), (0.4, 0.8))
    by_auc = history((0.5, 0.7), (0.4, 0.8), (0.6, 0.8), (0.4, 0.8))
    epochs = by_loss if criterion_for(groups) == "loss" else by_auc
    assert best_epoch(epochs, criterion_for(groups)).epoch == best


def test_patience_waits_for_the_figure_that_chooses_the_epoch() -> None:
    falling = history((0.6, 0.95), (0.5, 0.9), (0.4, 0.9))  # the loss still falls
    assert not patience_exhausted(falling, "full", 2, criterion_for(12))
    assert patience_exhausted(falling, "full", 2, criterion_for(40))
    rising = history((0.4, 0.8), (0.5, 0.85), (0.6, 0.9))  # the AUC still rises
    assert patience_exhausted(rising, "full", 2, criterion_for(12))
    assert not patience_exhausted(rising, "full", 2, criterion_for(40))


def test_loss_chooses_better_epochs_of_few_groups_than_auc() -> None:
    """Simulated: 40 epochs that learn, each validated on the same 14 videos of 7 groups."""
    rng = np.random.default_rng(1)
    kept: dict[str, list[float]] = {"loss": [], "auc": []}
    for _ in range(200):
        separation = np.linspace(0, 2, 40)  # of the means, in standard deviations: AUC 0.5 to 0.92
        fake = np.arange(14) % 2 == 1
        noise = rng.normal(size=14)  # what is hard about the videos stays through the epochs
        figures = []
        for distance in separation:
            odds = distance * (fake - 0.5) * 2 + noise + rng.normal(0, 0.7, 14)
            pairs = odds[fake][:, None] > odds[~fake]
            loss = np.log1p(np.exp(np.where(fake, -odds, odds))).mean()
            figures.append((float(loss), float(pairs.mean())))
        for criterion in ("loss", "auc"):
            best = best_epoch(history(*figures), criterion)
            kept[criterion].append(separation[best.epoch - 1])
    assert np.mean(kept["loss"]) > np.mean(kept["auc"])
