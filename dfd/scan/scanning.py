"""The verdict on one inspected file: its record, and the crops behind it."""

import time
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from dfd.arrays import Images, Scores
from dfd.detector.card import DetectorCard
from dfd.detector.network import Detector
from dfd.faces.record import Crop
from dfd.scan.evidence import weigh
from dfd.scan.inspection import Inspection
from dfd.scan.reasons import cautions, why_none
from dfd.scan.record import Coverage, Model, Verdict, VerdictRecord

_BATCH = 256  # crops decoded at a time, so that memory does not grow with the number of crops


@dataclass(frozen=True)
class Scan:
    """The result of scanning one file.

    Attributes:
        record: The verdict record.
        card: Card of the detector that judged the file.
        crops: The crops (JPEG) behind the verdict, ordered by frame and track; empty where the
            caller did not ask for crops.
    """

    record: VerdictRecord
    card: DetectorCard
    crops: tuple[Crop, ...] = ()


def classify(crops: tuple[Crop, ...], detector: Detector) -> Scores:
    """Return the uncalibrated P(FAKE) of crops, float32 (N,), 0..1.

    Args:
        crops: JPEG crops, made as the detector's card says; there may be none.
        detector: The loaded detector.

    Example, where ``detector_dir`` is a detector directory:
        >>> from dfd.detector.network import load_detector
        >>> classify((), load_detector(detector_dir)).shape
        (0,)
    """
    batches = [
        np.stack([pixels(crop) for crop in crops[start : start + _BATCH]])
        for start in range(0, len(crops), _BATCH)
    ]
    return np.concatenate([np.empty(0, np.float32), *map(detector.predict, batches)])


def conclude(
    inspection: Inspection,
    scores: Scores,
    card: DetectorCard,
    name: str,
    version: str | None = None,
) -> Scan:
    """Return the scan of an inspected file: verdict, probability, reasons and evidence.

    Args:
        inspection: The inspected file.
        scores: Uncalibrated P(FAKE) of each of its crops, float32 (N,), 0..1.
        card: Card of the detector that computed the scores.
        name: Directory or registry address by which the user named the detector.
        version: Version of the detector in the registry; None if it has none.

    Example, where ``detector_dir`` is a detector directory:
        >>> from pathlib import Path
        >>> from dfd.detector.card import load_card
        >>> from dfd.scan.inspection import failed_inspection
        >>> failed = failed_inspection(Path("a.mp4"), "crash", "its process died", started=0.0)
        >>> scan = conclude(failed, np.empty(0, np.float32), load_card(detector_dir), "champion")
        >>> scan.record.verdict, scan.record.reasons[0].code
        ('INCONCLUSIVE', 'crash')
    """
    faces, decision = inspection.faces, card.decision
    evidence = weigh(faces.crops, scores, decision.calibration) if faces.crops else None
    probability = evidence.probability if evidence else None
    verdict = decision.verdict(probability) if probability is not None else "INCONCLUSIVE"
    record = VerdictRecord(
        file=inspection.file,
        video=inspection.video,
        verdict=cast(Verdict, verdict),
        probability=probability,
        interval=evidence.interval if evidence else None,
        reasons=(*why_none(faces, probability, decision), *cautions(faces, card.domain)),
        coverage=Coverage(
            asked=faces.asked,
            decoded=faces.decoded,
            with_face=faces.with_face,
            judged=faces.kept,
            share=faces.kept / faces.asked if faces.asked else 0.0,
        ),
        tracks=evidence.tracks if evidence else (),
        frames=evidence.frames if evidence else (),
        model=Model(
            name=name,
            version=version,
            candidate=card.candidate,
            backbone=card.backbone,
            sha256=card.sha256,
            leaky=card.leaky,
        ),
        crop=card.crop,
        seconds=time.perf_counter() - inspection.started,
        provenance=inspection.provenance,
    )
    return Scan(record, card, faces.crops)


def pixels(crop: Crop) -> Images:
    """Return the pixels of a crop after JPEG, as training saw them: uint8 (S, S, 3) RGB."""
    image = cv2.imdecode(np.frombuffer(crop.jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(image, np.uint8)
