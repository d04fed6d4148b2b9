"""Detectors that nobody has trained, for benchmarks and tests."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dfd.detector.appearance import STATISTICS, names
from dfd.detector.card import DetectorCard
from dfd.detector.domain import Appearance, Domain
from dfd.params.faces import FacesParams
from dfd.params.section import load_section
from dfd.params.training import load_candidate
from dfd.scoring.decision import Calibration, Decision
from dfd.scoring.metrics import measure

_PARAMS = Path(__file__).resolve().parent.parent / "params.yaml"


def any_appearance() -> Appearance:
    """Return an appearance that every video has, so that every video is inside the domain."""
    size = len(STATISTICS)
    return Appearance(
        statistics=tuple(names(STATISTICS)),
        mean=(0.0,) * size,
        precision=tuple(tuple(row) for row in np.eye(size).tolist()),
        low=(-1e6,) * size,
        high=(1e6,) * size,
        limit=1e6,
        groups=17,
    )


def card_of(trained_as: str = "mesonet", **changes: Any) -> DetectorCard:
    """Return a card as training would write it.

    Args:
        trained_as: Candidate of the project's ``params.yaml`` whose parameters the card has.
        changes: Values of the card that differ from those made up here.
    """
    params = load_candidate(trained_as, _PARAMS)
    figures = asdict(measure(["REAL", "FAKE"], [0.1, 0.9], 0.5))
    values = {
        "candidate": "small",
        "backbone": params.backbone,
        "weights": "none",
        "input_size": params.input_size,
        "domain": Domain(
            datasets=("sample",),
            methods=("swap",),
            real_videos=8,
            fake_videos=9,
            face_size=(60, 300),
            sharpness=(20, 900),
            appearance=any_appearance(),
        ),
        "crop": load_section(FacesParams, _PARAMS).crop,
        "params": params.model_dump(),
        "decision": Decision(Calibration(temperature=0.7, bias=0.3), width=0.2),
        "train_sha256": "1" * 64,
        "split_sha256": "2" * 64,
        "leaky": False,
        "validation": {"frame": figures, "video": figures},
        "parameters": 8,
        "weights_sha256": "3" * 64,
    }
    return DetectorCard(**{**values, **changes})


def save_untrained(directory: Path, trained_as: str = "mesonet", **changes: Any) -> Path:
    """Write a detector with random weights, which costs what a trained one does.

    Args:
        directory: A new folder.
        trained_as: Candidate of the project's ``params.yaml`` whose network the detector has.
        changes: Values of the detector's card that differ from those of ``card_of``.

    Returns:
        The directory.
    """
    # Imported here: Keras takes seconds, and most users of this module need the card alone.
    from dfd.detector.keras_file import weights_sha256
    from dfd.train.export.saving import save_detector
    from dfd.train.networks.backbones import build_model

    params = load_candidate(trained_as, _PARAMS)
    size = params.input_size
    model, weights = build_model(params.backbone, "none", size, params.dropout, seed=3)
    made = {
        "candidate": "untrained",
        "weights": weights,
        "parameters": model.count_params(),
        "weights_sha256": weights_sha256(model),
    }
    crops = np.random.default_rng(0).integers(0, 256, (8, size, size, 3), dtype=np.uint8)
    card = card_of(trained_as, **{**made, **changes})
    save_detector(directory, model, card, pd.DataFrame({"epoch": [1]}), crops)
    return directory
