"""The detector directory ``models/<candidate>/``: what training leaves and every consumer loads.

    detector.json   the card: how to crop, what it was trained with and on, decision, figures
    model.onnx      the network, by which it scores
    model.keras     the same for fine-tuning and heat maps, without the optimizer
    history.csv     one row per epoch

Scoring needs ONNX Runtime and neither Keras nor TensorFlow; ``dfd.train.export.saving``
writes the directory, and ``dfd.detector.keras_file`` loads the Keras model. The same weights and
card give the same bytes: nothing here holds a time or a machine's name.
"""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from dfd.detector.domain import Domain
from dfd.errors import DetectorError
from dfd.params.faces import CropParams
from dfd.params.training import CandidateParams
from dfd.scoring.decision import Decision
from dfd.scoring.metrics import Metrics

if TYPE_CHECKING:
    pass

FORMAT = 4
CARD, NETWORK, MODEL, HISTORY = "detector.json", "model.onnx", "model.keras", "history.csv"


class DetectorCard(BaseModel):
    """Everything about a detector but its weights.

    Attributes:
        format: Version of the directory's format.
        candidate: Name in the section ``candidates``.
        backbone: Name of the network.
        weights: What its backbone started from: ``imagenet``, ``casia-webface``, ``none`` or
            a file's name.
        input_size: Side in pixels of the network's square input.
        classes: Order of the network's two outputs.
        domain: What it was trained on, outside which it is guessing.
        crop: How faces must be found and cropped for this detector: as it was trained.
        params: What it was trained with.
        decision: How scores become verdicts; fitted on the validation videos.
        train_sha256: Hash over the training crops and their rows.
        split_sha256: Hash of the split's file.
        leaky: The split let groups cross, so that no figure here can be believed.
        validation_frames: Figures per validation crop, as decided.
        validation_videos: Figures per validation video, as decided.
        parameters: Number of weights.
        weights_sha256: Hash over the weights' values.
        onnx_sha256: Hash of ``model.onnx``, empty until the directory is written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[4] = 4
    candidate: str
    backbone: str
    weights: str
    input_size: int
    classes: tuple[Literal["REAL"], Literal["FAKE"]] = ("REAL", "FAKE")
    domain: Domain
    crop: CropParams
    params: CandidateParams
    decision: Decision
    train_sha256: str
    split_sha256: str
    leaky: bool
    validation_frames: Metrics
    validation_videos: Metrics
    parameters: int
    weights_sha256: str
    onnx_sha256: str = ""


def load_card(directory: Path) -> DetectorCard:
    """Return the card of a detector directory.

    Raises:
        DetectorError: There is no card, or it is damaged or of another format.
    """
    path = directory / CARD
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DetectorError(
            f"{path}: cannot be read ({error.strerror}); train a detector or name its directory"
        ) from error
    except ValueError as error:
        raise DetectorError(f"{path}: damaged, not JSON ({error}); train it again") from error
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise DetectorError(
            f"{path}: format {found}, but this version reads {FORMAT}; train it again"
        )
    try:
        return DetectorCard.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DetectorError(f"{path}: {key}: {first['msg']}; train it again") from error


def detector_hash(directory: Path) -> str:
    """Return the identity of a detector: sha256 over its card, which holds its weights' hash.

    Raises:
        DetectorError: As ``load_card``.
    """
    return card_hash(load_card(directory))


def card_hash(card: DetectorCard) -> str:
    """Return the identity of the detector that a card describes."""
    return hashlib.sha256(card.model_dump_json().encode()).hexdigest()
