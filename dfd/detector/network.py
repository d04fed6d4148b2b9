"""A detector's network: crops in, P(FAKE) out."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dfd.arrays import Images, Scores
from dfd.detector.card import CARD, NETWORK, DetectorCard, load_card, registered_version
from dfd.errors import DetectorError, OnnxError
from dfd.files import hash_file
from dfd.onnx import Session, open_session

INPUT, OUTPUT = "pixels", "probabilities"  # of the ONNX graph
_AT_ONCE = 16  # crops computed together: more gain nothing, and small networks are slower


@dataclass(frozen=True)
class Detector:
    """A loaded detector; threads may share it.

    Attributes:
        card: Its card.
        session: The network.
        version: Its version in the registry, where the registry exported it.
    """

    card: DetectorCard
    session: Session
    version: str | None = None

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


def fake_scores(session: Session, images: Images) -> Scores:
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


def load_detector(directory: Path, threads: int = 0) -> Detector:
    """Return the detector of a directory, ready to score crops.

    Args:
        directory: The detector directory.
        threads: Threads that compute one call of ``predict``; 0 for one a core.

    Raises:
        DetectorError: The card or the network is missing or damaged, or they do not belong
            together.
    """
    card, version = card_and_version(directory)
    try:
        detector = Detector(card, _open_checked(directory / NETWORK, card, threads), version)
    except DetectorError:
        if card_and_version(directory) == (card, version):
            raise
        detector = None
    if detector is None or card_and_version(directory) != (card, version):
        return load_detector(directory, threads)  # another detector was put in its place meanwhile
    return detector


def card_and_version(directory: Path) -> tuple[DetectorCard, str | None]:
    """Return the card of a directory and its version in the registry, which name what is in it.

    Raises:
        DetectorError: The card is missing or damaged.
    """
    return load_card(directory), registered_version(directory)


def _open_checked(path: Path, card: DetectorCard, threads: int) -> Session:
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
    except OnnxError as error:
        raise DetectorError(f"{path}: cannot be run ({error}); update onnxruntime") from error
