"""A detector to scan with: real weights that know nothing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dfd.detector.domain import Domain
from dfd.detector.keras_file import weights_sha256
from dfd.detector.network import Detector, load_detector
from dfd.params.faces import CropParams
from dfd.params.training import load_candidate
from dfd.scoring.decision import Calibration, Decision
from dfd.train.export.saving import save_detector
from dfd.train.networks.backbones import build_model
from tests.clip_fixtures import face_params
from tests.data import ROOT
from tests.detectors import card_of

DECISION = Decision(Calibration(temperature=0.7, bias=0.3), 0.5, (0.45, 0.55))


DOMAIN = Domain(
    datasets=("sample",),
    methods=("feather",),
    real_videos=3,
    fake_videos=4,
    face_size=(100.0, 260.0),
    sharpness=(20.0, 2000.0),
)


def save_untrained(directory: Path, crop: CropParams, decision: Decision = DECISION) -> Path:
    """Write a detector of a small network with random weights and return its directory."""
    params = load_candidate("mesonet", ROOT / "params.yaml")
    model, weights = build_model("mesonet", "none", params.input_size, params.dropout, seed=3)
    card = card_of(
        candidate="untrained",
        weights=weights,
        domain=DOMAIN,
        crop=crop,
        decision=decision,
        parameters=model.count_params(),
        weights_sha256=weights_sha256(model),
    )
    size = (8, params.input_size, params.input_size, 3)
    crops = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    save_detector(directory, model, card, pd.DataFrame({"epoch": [1]}), crops)
    return directory


@pytest.fixture(scope="session")
def detector_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models") / "untrained"
    return save_untrained(directory, face_params(margin=0.1, crop_size=128))


@pytest.fixture(scope="session")
def detector(detector_dir: Path) -> Detector:
    return load_detector(detector_dir)
