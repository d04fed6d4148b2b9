"""The detector directory ``models/<candidate>/``: what training leaves and every consumer loads.

    detector.json   the card: how to crop, what it was trained with and on, decision, figures
    model.keras     the network, without the optimizer
    history.csv     one row per epoch

Reading a card needs no Keras; it is imported when a model is saved, loaded or asked for scores.
The same weights and card give the same bytes: nothing here holds a time or a machine's name.
"""

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from dfd.errors import DetectorError
from dfd.evaluate.decision import Decision
from dfd.evaluate.metrics import Metrics
from dfd.model_file import save_model
from dfd.params import CandidateParams, CropParams

if TYPE_CHECKING:
    import keras

FORMAT = 3
CARD, MODEL, HISTORY = "detector.json", "model.keras", "history.csv"

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
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[3] = 3
    candidate: str
    backbone: str
    weights: str
    input_size: int
    classes: tuple[Literal["REAL"], Literal["FAKE"]] = ("REAL", "FAKE")
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


@dataclass(frozen=True)
class Detector:
    """A loaded detector: its card and its Keras model."""

    card: DetectorCard
    model: "keras.Model"

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
        return fake_scores(self.model, resized(crops, self.card.input_size))


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


def fake_scores(model: "keras.Model", images: Images, batch_size: int = 32) -> Scores:
    """Return a model's P(FAKE), float32 (N,), for images of its own input size.

    Args:
        model: A network from uint8 RGB pixels to the probabilities of (REAL, FAKE).
        images: uint8 (N, S, S, 3) RGB; N may be 0.
        batch_size: Images computed at once.
    """
    said = [
        np.asarray(model.predict_on_batch(full))[:n, 1]
        for full, n in full_batches(images, batch_size)
    ]
    return np.concatenate([np.empty(0, np.float32), *said])


def full_batches(images: Images, batch_size: int) -> Iterator[tuple[Images, int]]:
    """Yield images, filled up with black ones to batches of one shape, and how many are theirs.

    Another shape would be compiled for once more.

    Args:
        images: uint8 (N, S, S, 3); N may be 0.
        batch_size: Images in each batch.
    """
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        n = len(batch)
        yield np.concatenate([batch, np.zeros((batch_size - n, *batch.shape[1:]), np.uint8)]), n


def weights_sha256(model: "keras.Model") -> str:
    """Return a hash over the values of a model's weights, in their order."""
    digest = hashlib.sha256()
    for values in model.get_weights():
        digest.update(f"{values.dtype} {values.shape};".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def save_detector(
    directory: Path, model: "keras.Model", card: DetectorCard, history: pd.DataFrame
) -> None:
    """Write a detector directory, whole or not at all; one that is there is replaced.

    Args:
        directory: ``models/<candidate>``; its parents are made.
        model: The network whose weights the card describes.
        card: Its card.
        history: One row per epoch.

    Raises:
        DetectorError: The disk cannot take it; what was there before is untouched.
    """
    partial = directory.with_name(f".{directory.name}.{os.getpid()}.partial")
    replaced = directory.with_name(f".{directory.name}.{os.getpid()}.replaced")
    try:
        partial.mkdir(parents=True)
        save_model(model, partial / MODEL)
        (partial / CARD).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
        history.to_csv(partial / HISTORY, index=False, float_format="%.6g", lineterminator="\n")
        if directory.exists():
            directory.rename(replaced)
        partial.rename(directory)
    except OSError as error:
        raise DetectorError(
            f"{directory}: cannot be written ({error.strerror or error}); "
            "free space or choose another folder"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if directory.exists():
            shutil.rmtree(replaced, ignore_errors=True)


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
    return hashlib.sha256(load_card(directory).model_dump_json().encode()).hexdigest()


def load_detector(directory: Path) -> Detector:
    """Return the detector of a directory, ready to score crops.

    Raises:
        DetectorError: The card or the model is missing or damaged, or they do not belong together.
    """
    card = load_card(directory)
    path = directory / MODEL
    if not zipfile.is_zipfile(path):
        state = "damaged" if path.exists() else "missing"
        raise DetectorError(f"{path}: {state}; run `dvc checkout`, or train the detector again")

    import keras

    try:
        model = keras.saving.load_model(path, compile=False)
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:160]
        raise DetectorError(f"{path}: damaged ({reason}); train the detector again") from error
    if weights_sha256(model) != card.weights_sha256:
        raise DetectorError(f"{path}: not the weights its {CARD} names; train the detector again")
    return Detector(card, model)
