"""One file scanned: its verdict record and the crops it rests on."""

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
from dfd.scan.reasons import cautions, why_none
from dfd.scan.record import Coverage, Model, Verdict, VerdictRecord
from dfd.scan.seen import Seen

_AT_ONCE = 256  # crops that are pixels at a time, so that memory does not grow with the video


@dataclass(frozen=True)
class Scan:
    """What came of one file.

    Attributes:
        record: The verdict record.
        card: The card of the detector that judged.
        crops: The crops (JPEG) that the verdict rests on, by frame and track; empty where the
            caller did not ask for them.
    """

    record: VerdictRecord
    card: DetectorCard
    crops: tuple[Crop, ...] = ()


def classify(crops: tuple[Crop, ...], detector: Detector) -> Scores:
    """Return P(FAKE) of crops as the network gives it, float32 (N,).

    Args:
        crops: JPEG crops as the detector's card says; N may be 0.
        detector: Loaded detector.
    """
    parts = [
        np.stack([pixels(crop) for crop in crops[start : start + _AT_ONCE]])
        for start in range(0, len(crops), _AT_ONCE)
    ]
    return np.concatenate([np.empty(0, np.float32), *map(detector.predict, parts)])


def conclude(
    seen: Seen, scores: Scores, card: DetectorCard, name: str, version: str | None = None
) -> Scan:
    """Return the verdict on what is in a file.

    Args:
        seen: The file.
        scores: P(FAKE) of each of its crops as the network gives it, (N,).
        card: The detector's.
        name: What the detector was asked for by.
        version: Its version in the registry.
    """
    faces, decision = seen.faces, card.decision
    evidence = weigh(faces.crops, scores, decision.calibration) if faces.crops else None
    probability = evidence.probability if evidence else None
    verdict = decision.verdict(probability) if probability is not None else "INCONCLUSIVE"
    record = VerdictRecord(
        file=seen.file,
        video=seen.video,
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
        seconds=time.perf_counter() - seen.begun,
        provenance=seen.provenance,
    )
    return Scan(record, card, faces.crops)


def pixels(crop: Crop) -> Images:
    """Return a crop as training saw it: uint8 (S, S, 3) RGB, after JPEG."""
    image = cv2.imdecode(np.frombuffer(crop.jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(image, np.uint8)
