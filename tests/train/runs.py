"""Small training runs on crops that a small network tells apart: texture is REAL, its blur FAKE."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from dfd.params.training import CandidateParams
from dfd.train.feed.crops import Crops
from dfd.train.loop.checkpoint import Checkpoint
from dfd.train.loop.fit import Callbacks, fit
from dfd.train.loop.history import EpochRecord
from dfd.train.loop.network import build_network
from dfd.train.loop.result import TrainingResult
from dfd.train.loop.setup import choose_setup
from tests.train.faces import PLACES

SIDE = 64
SMALL = CandidateParams(
    backbone="mesonet",
    weights="none",
    input_size=SIDE,
    batch_size=16,
    sampling="balanced",
    augment=False,
    self_blended=0,
    head_epochs=1,
    head_learning_rate=0.003,
    head_views=1,
    finetune_from=None,
    epochs=6,
    learning_rate=0.003,
    patience=6,
    dropout=0.2,
    weight_decay=0.0001,
    clip_norm=1,
    label_smoothing=0,
    ema_decay=0.9,
    target_error=0.05,
    precision="auto",
    xla="auto",
    devices=1,
    seed=3,
)


def synthetic_crops(videos: int, seed: int, per_video: int = 6, fakes: float = 0.5) -> Crops:
    """Return crops whose first ``fakes`` share of videos is FAKE; one group per video."""
    rng = np.random.default_rng(seed)
    images, rows = [], []
    for video in range(videos):
        fake = video < fakes * videos
        for frame in range(per_video):
            light = rng.integers(60, 190, (4, 4, 3), dtype=np.uint8)
            base = cv2.resize(light, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
            noisy = np.clip(base + rng.normal(0, 25, base.shape), 0, 255).astype(np.uint8)
            images.append(cv2.GaussianBlur(noisy, (0, 0), 1.2) if fake else noisy)
            label = "FAKE" if fake else "REAL"
            rows.append((f"v{video}", 0, label, f"g{video}", None, frame / 5))
    columns = ["video", "track", "label", "group", "source", "time_s"]
    table = pd.DataFrame(rows, columns=columns).assign(x1=0.0, y1=0.0, x2=SIDE, y2=SIDE)
    landmarks = np.tile((PLACES * SIDE).astype(np.float32), (len(rows), 1, 1))
    return Crops(np.stack(images), np.arange(len(rows)), landmarks, table)


def part_of(crops: Crops, rows: list[int] | np.ndarray) -> Crops:
    """Return some of the crops."""
    rows = np.asarray(rows, np.int64)
    table = crops.table.iloc[rows].reset_index(drop=True)
    return Crops(crops.images, crops.rows[rows], crops.landmarks[rows], table)


def run(
    train: Crops,
    validation: Crops,
    params: CandidateParams,
    checkpoint: Path,
    on_epoch: Callable[[EpochRecord], None] = lambda record: None,
    on_step: Callable[[int, int], None] = lambda step, steps: None,
) -> TrainingResult:
    """Train as the task does."""
    network = build_network("small", params)
    kept = Checkpoint.of(checkpoint, params, train, validation)
    callbacks = Callbacks(on_epoch, on_step)
    return fit(network, train, validation, params, choose_setup(params), kept, callbacks)
