"""The network of a detector, which computes P(FAKE) of crops."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dfd.arrays import Images, Scores
from dfd.detector.card import CARD, NETWORK, DetectorCard, load_card, registered_version
from dfd.errors import DetectorError, OnnxError
from dfd.files import hash_file
from dfd.onnx import Session, open_session
from dfd.scoring.aggregate import precise_scores

INPUT, OUTPUT = "pixels", "probabilities"  # names in the ONNX graph
_BATCH = 16  # larger batches are not faster, and slow small networks down


@dataclass(frozen=True)
class Detector:
    """A loaded detector; threads may share it.

    Attributes:
        card: The card.
        session: The network.
        version: Version in the registry; None if the directory was not exported by a registry.
    """

    card: DetectorCard
    session: Session
    version: str | None = None

    def predict(self, crops: Images) -> Scores:
        """Return the uncalibrated P(FAKE) of crops, float64 (N,), 0..1.

        Args:
            crops: uint8 (N, S, S, 3) RGB, cropped as ``card.crop`` says. S is any side, and N may
                be 0.

        Raises:
            DetectorError: The array has another type or shape.

        Example, where ``detector_dir`` is a detector directory:
            >>> crops = np.zeros((2, 224, 224, 3), np.uint8)
            >>> crops[1] = (30, 60, 40)
            >>> [f"{score:.2f}" for score in load_detector(detector_dir).predict(crops)]
            ['0.50', '0.83']
        """
        if crops.dtype != np.uint8 or crops.ndim != 4 or crops.shape[3] != 3:
            raise DetectorError(
                f"crops must be uint8 (N, S, S, 3), not {crops.dtype} {crops.shape}; "
                "make them with the faces stage"
            )
        return fake_scores(self.session, resized(crops, self.card.input_size))


def resized(crops: Images, size: int) -> Images:
    """Return square images scaled to a side of ``size`` pixels, uint8 (N, size, size, 3).

    Shrinking averages areas; enlarging is bicubic.

    Args:
        crops: uint8 (N, S, S, 3), in any colour order. Images that have the size are returned as
            they are.
        size: Side in pixels, at least 1.

    Example:
        >>> resized(np.zeros((5, 128, 128, 3), np.uint8), 96).shape
        (5, 96, 96, 3)
    """
    if crops.shape[1] == crops.shape[2] == size:
        return crops
    how = cv2.INTER_AREA if size < crops.shape[1] else cv2.INTER_CUBIC
    result = np.empty((len(crops), size, size, 3), np.uint8)
    for target, crop in zip(result, crops, strict=True):
        cv2.resize(crop, (size, size), dst=target, interpolation=how)
    return result


def fake_scores(session: Session, images: Images) -> Scores:
    """Return the P(FAKE) that a network computes for images, float64 (N,), 0..1.

    Args:
        session: A network from RGB pixels to the probabilities of REAL and FAKE.
        images: uint8 (N, S, S, 3) RGB, where S is the side of the network's input; N may be 0.
    """
    batches = [
        precise_scores(session.run([OUTPUT], {INPUT: images[start : start + _BATCH]})[0])
        for start in range(0, len(images), _BATCH)
    ]
    return np.concatenate([np.empty(0), *batches])


def load_detector(directory: Path, threads: int = 0) -> Detector:
    """Return the detector of a directory, ready to score crops.

    Args:
        directory: The detector directory.
        threads: Threads that compute one call of ``predict``; 0 for one thread per core.

    Raises:
        DetectorError: The card or the network is missing or damaged, or the network is not the
            one that the card names.

    Example, where ``detector_dir`` is a detector directory:
        >>> load_detector(detector_dir).card.backbone
        'mesonet'
    """
    card, version = card_and_version(directory)
    try:
        detector = Detector(card, _open_checked(directory / NETWORK, card, threads), version)
    except DetectorError:
        if card_and_version(directory) == (card, version):
            raise
        detector = None
    if detector is None or card_and_version(directory) != (card, version):
        return load_detector(directory, threads)  # the directory was replaced while it was read
    return detector


def card_and_version(directory: Path) -> tuple[DetectorCard, str | None]:
    """Return the card and the registry version of a detector directory.

    Together they identify a detector: when neither has changed, the network has not changed.

    Args:
        directory: The detector directory.

    Raises:
        DetectorError: The card is missing or damaged.
    """
    return load_card(directory), registered_version(directory)


def _open_checked(path: Path, card: DetectorCard, threads: int) -> Session:
    try:
        sha256 = hash_file(path)
    except OSError as error:
        state = "missing" if isinstance(error, FileNotFoundError) else f"{error.strerror}"
        raise DetectorError(
            f"{path}: {state}; run `dvc checkout`, or train the detector again"
        ) from error
    if sha256 != card.onnx_sha256:
        raise DetectorError(
            f"{path}: damaged, or not the network its {CARD} names; run `dvc checkout`, or train "
            "the detector again"
        )
    try:
        return open_session(path, threads)
    except OnnxError as error:
        raise DetectorError(f"{path}: cannot be run ({error}); update onnxruntime") from error
