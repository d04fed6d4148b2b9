"""The verdict on one inspected file: its record, and the crops behind it."""

import time
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from dfd.arrays import Images, Scores
from dfd.detector.appearance import Values, measure_images
from dfd.detector.card import DetectorCard
from dfd.detector.domain import Domain
from dfd.detector.network import Detector
from dfd.faces.record import Crop
from dfd.labels import PRIOR
from dfd.scan.evidence import weigh
from dfd.scan.inspection import Inspection
from dfd.scan.reasons import cautions, why_none
from dfd.scan.record import Coverage, DomainCheck, Model, Verdict, VerdictRecord

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


@dataclass(frozen=True)
class Measured:
    """What is measured on the N crops of a file.

    Attributes:
        scores: uncalibrated P(FAKE) of each crop, float64 (N,), 0..1.
        statistics: Image statistics of each crop, float64 (N, D), in the order of
            ``dfd.detector.appearance.STATISTICS``.
    """

    scores: Scores
    statistics: Values


def measure(crops: tuple[Crop, ...], detector: Detector) -> Measured:
    """Return the scores and the image statistics of crops.

    Args:
        crops: JPEG crops, made as the detector's card says; there may be none.
        detector: The loaded detector.

    Example, where ``detector_dir`` is a detector directory:
        >>> from dfd.detector.network import load_detector
        >>> measure((), load_detector(detector_dir)).scores.shape
        (0,)
    """
    scores, statistics = [np.empty(0)], [measure_images(())]
    for start in range(0, len(crops), _BATCH):
        batch = np.stack([pixels(crop) for crop in crops[start : start + _BATCH]])
        scores.append(detector.predict(batch))
        statistics.append(measure_images(batch))
    return Measured(np.concatenate(scores), np.concatenate(statistics))


def conclude(
    inspection: Inspection,
    measured: Measured | None,
    card: DetectorCard,
    name: str,
    version: str | None = None,
    anyway: bool = False,
    prior: float = PRIOR,
) -> Scan:
    """Return the scan of an inspected file: verdict, probability, reasons and evidence.

    Args:
        inspection: The inspected file.
        measured: What was measured on its crops; None where there is no crop.
        card: Card of the detector that computed the scores.
        name: Directory or registry address by which the user named the detector.
        version: Version of the detector in the registry; None if it has none.
        anyway: Whether a video outside the detector's domain gets a score too. It never gets a
            verdict.
        prior: Share of FAKE among the videos that are judged, between 0 and 1.

    Example, where ``detector_dir`` is a detector directory:
        >>> from pathlib import Path
        >>> from dfd.detector.card import load_card
        >>> from dfd.scan.inspection import failed_inspection
        >>> failed = failed_inspection(Path("a.mp4"), "crash", "its process died", started=0.0)
        >>> scan = conclude(failed, None, load_card(detector_dir), "champion")
        >>> scan.record.verdict, scan.record.reasons[0].code
        ('INCONCLUSIVE', 'crash')
    """
    faces, decision = inspection.faces, card.decision
    evidence = check = None
    if measured and faces.crops:
        check = check_domain(card.domain, measured.statistics.mean(axis=0))
        if check.inside or anyway:
            evidence = weigh(faces.crops, measured.scores, decision.calibration, prior)
    probability = evidence.probability if evidence else None
    deciding_crops = evidence.deciding_crops if evidence else 0
    verdict = "INCONCLUSIVE"
    if probability is not None and check and check.inside:
        verdict = decision.verdict(probability, prior, deciding_crops)
    record = VerdictRecord(
        file=inspection.file,
        video=inspection.video,
        verdict=cast(Verdict, verdict),
        probability=probability,
        prior=prior,
        interval=evidence.interval if evidence else None,
        reasons=(
            *why_none(faces, check, probability, decision, prior, deciding_crops),
            *cautions(faces, card.domain),
        ),
        domain=check,
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
            synthetic=card.domain.synthetic,
        ),
        crop=card.crop,
        seconds=time.perf_counter() - inspection.started,
        provenance=inspection.provenance,
    )
    return Scan(record, card, faces.crops)


def check_domain(domain: Domain, statistics: Values) -> DomainCheck:
    """Return whether a detector's training videos resemble a video.

    Args:
        domain: The domain of the detector.
        statistics: Image statistics of the video, the mean over its crops, float64 (D,).
    """
    appearance = domain.appearance
    if appearance is None:
        return DomainCheck(distance=None, limit=None, differences=())
    return DomainCheck(
        distance=appearance.distance(statistics),
        limit=appearance.limit,
        differences=appearance.differences(statistics),
    )


def pixels(crop: Crop) -> Images:
    """Return the pixels of a crop after JPEG, as training saw them: uint8 (S, S, 3) RGB."""
    image = cv2.imdecode(np.frombuffer(crop.jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(image, np.uint8)
