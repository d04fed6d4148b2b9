"""The detector directory ``models/<candidate>/``: what training leaves and every consumer loads.

    detector.json   the card: how to crop, what it was trained with and on, decision, figures
    model.onnx      the network, by which it scores
    model.keras     the same for fine-tuning and heat maps, without the optimizer
    history.csv     one row per epoch

Scoring needs ONNX Runtime and neither Keras nor TensorFlow; ``dfd.train.saving`` writes the
directory and ``dfd.model_file`` loads the Keras model. The same weights and card give the same
bytes: nothing here holds a time or a machine's name.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from dfd.domain import Domain
from dfd.errors import DetectorError
from dfd.evaluate.decision import Decision
from dfd.evaluate.metrics import Metrics
from dfd.files import hash_file
from dfd.params import CandidateParams, CropParams

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

FORMAT = 4
CARD, NETWORK, MODEL, HISTORY = "detector.json", "model.onnx", "model.keras", "history.csv"
INPUT, OUTPUT = "pixels", "probabilities"  # of the ONNX graph
_AT_ONCE = 16  # crops computed together: more gain nothing, and small networks are slower

Images = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float32]


class DetectorCard(BaseModel):
    """Everything about a detector but its weights.

    Attributes:
        format: Version of the directory's format.
        candidate: Name under ``train.candidates``.
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


@dataclass(frozen=True)
class Detector:
    """A loaded detector: its card and its network; threads may share it."""

    card: DetectorCard
    session: "InferenceSession"

    def predict(self, crops: Images) -> Scores:
        """Return P(FAKE), float32 (N,) in 0..1, of crops made as ``card.crop`` says.

        Args:
            crops: uint8 (N, S, S, 3) RGB of any side S; N may be 0.

        Raises:
            DetectorError: The array is not of that kind.
        """
        if crops.dtype != np.uint8 or crops.ndim != 4 or crops.shape[3] != 3:
            raise DetectorError(
                f"crops must be uint8 (N, S, S, 3), not {crops.dtype} {crops.shape}; "
                "make them with the faces stage"
            )
        return fake_scores(self.session, resized(crops, self.card.input_size))


def resized(crops: Images, size: int) -> Images:
    """Return crops, uint8 (N, S, S, 3), with a side of ``size`` pixels.

    Shrinking averages areas; enlarging is cubic.
    """
    if crops.shape[1] == crops.shape[2] == size:
        return crops
    how = cv2.INTER_AREA if size < crops.shape[1] else cv2.INTER_CUBIC
    result = np.empty((len(crops), size, size, 3), np.uint8)
    for target, crop in zip(result, crops, strict=True):
        cv2.resize(crop, (size, size), dst=target, interpolation=how)
    return result


def open_session(network: bytes | Path, threads: int = 0) -> "InferenceSession":
    """Return an ONNX network, ready to run on the CPU.

    Args:
        network: Content of the file, or its path, from which it loads twice as fast.
        threads: Threads that compute one call; 0 for one a core.

    Raises:
        DetectorError: It is no network that ONNX Runtime can run.
    """
    import onnxruntime as ort  # here, because whoever reads a detector's card needs none

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors, which are raised too
    # Threads that wait in a loop take the core from the one they wait for, where others compute.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = str(network) if isinstance(network, Path) else network
    try:
        return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has no base class of its own for what it raises
        raise DetectorError(" ".join(str(error).split())[:160]) from error


def fake_scores(session: "InferenceSession", images: Images) -> Scores:
    """Return a network's P(FAKE), float32 (N,), for images of its own input size.

    Args:
        session: A network from uint8 RGB pixels to the probabilities of (REAL, FAKE).
        images: uint8 (N, S, S, 3) RGB; N may be 0.
    """
    said = [
        session.run([OUTPUT], {INPUT: images[start : start + _AT_ONCE]})[0][:, 1]
        for start in range(0, len(images), _AT_ONCE)
    ]
    return np.concatenate([np.empty(0, np.float32), *said])


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


def load_detector(directory: Path, threads: int = 0) -> Detector:
    """Return the detector of a directory, ready to score crops.

    Args:
        directory: The detector directory.
        threads: Threads that compute one call of ``predict``; 0 for one a core.

    Raises:
        DetectorError: The card or the network is missing or damaged, or they do not belong
            together.
    """
    card = load_card(directory)
    try:
        detector = Detector(card, _open_checked(directory / NETWORK, card, threads))
    except DetectorError:
        if load_card(directory) == card:
            raise
        detector = None
    if detector is None or load_card(directory) != card:
        return load_detector(directory, threads)  # another was put in its place meanwhile
    return detector


def _open_checked(path: Path, card: DetectorCard, threads: int) -> "InferenceSession":
    try:
        found = hash_file(path)
    except OSError as error:
        state = "missing" if isinstance(error, FileNotFoundError) else f"{error.strerror}"
        raise DetectorError(
            f"{path}: {state}; run `dvc checkout`, or train the detector again"
        ) from error
    if found != card.onnx_sha256:
        raise DetectorError(
            f"{path}: damaged, or not the network its {CARD} names; run `dvc checkout`, or train "
            "the detector again"
        )
    try:
        return open_session(path, threads)
    except DetectorError as error:
        raise DetectorError(f"{path}: cannot be run ({error}); update onnxruntime") from error
