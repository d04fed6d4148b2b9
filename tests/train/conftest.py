"""Crops that a small network tells apart in seconds: texture for REAL, its blur for FAKE."""

from collections.abc import Callable

import cv2
import numpy as np
import pandas as pd
import pytest

from dfd.params import CandidateParams
from dfd.train.feed import Crops

SIDE = 64


def synthetic_crops(videos: int, seed: int, per_video: int = 6, fakes: float = 0.5) -> Crops:
    """Return crops whose first ``fakes`` share of videos is FAKE; one group per video."""
    rng = np.random.default_rng(seed)
    images, rows = [], []
    for video in range(videos):
        fake = video < fakes * videos
        for _ in range(per_video):
            light = rng.integers(60, 190, (4, 4, 3), dtype=np.uint8)
            base = cv2.resize(light, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
            noisy = np.clip(base + rng.normal(0, 25, base.shape), 0, 255).astype(np.uint8)
            images.append(cv2.GaussianBlur(noisy, (0, 0), 1.2) if fake else noisy)
            rows.append((f"v{video}", 0, "FAKE" if fake else "REAL", f"g{video}"))
    table = pd.DataFrame(rows, columns=["video", "track", "label", "group"])
    return Crops(np.stack(images), table)


@pytest.fixture(scope="session")
def crops() -> Callable[..., Crops]:
    return synthetic_crops


@pytest.fixture(scope="session")
def params() -> CandidateParams:
    return CandidateParams(
        backbone="mesonet",
        weights="none",
        input_size=SIDE,
        batch_size=16,
        head_epochs=1,
        head_learning_rate=0.003,
        epochs=6,
        learning_rate=0.003,
        patience=6,
        dropout=0.2,
        augment=False,
        seed=3,
    )
