"""What a worker process of the server does: one upload to its record and its report."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dfd.errors import VideoGivenUp
from dfd.scan.worker import NamedDetector, Scanned, give_up, loaded_detector, scan_file
from dfd.serve.limits import Refused, ServerLimits

if TYPE_CHECKING:
    from dfd.faces.record import Crop
    from dfd.scan.record import VerdictRecord

_THREADS = 1  # a worker; scans beside each other fill the cores


@dataclass(frozen=True)
class Upload:
    """A file to be judged.

    Attributes:
        path: Where it lies.
        name: What the client calls it.
        for_page: Whether a report is wanted too.
    """

    path: Path
    name: str
    for_page: bool


@dataclass(frozen=True)
class Judged:
    """A record and, where it was wanted, its report."""

    record: "VerdictRecord"
    report: str | None


def judge(upload: Upload, named: NamedDetector, limits: ServerLimits) -> Judged:
    """Scan an upload; heat maps are by occlusion, which needs no TensorFlow.

    Args:
        upload: The file.
        named: The detector.
        limits: Those on length and size are checked here, before anything is decoded.

    Raises:
        Refused: 422 for a video that is too long or has too many pixels.
        DetectorError: The detector cannot be loaded.
        WeightsError: The face detector cannot be loaded.
        MemoryError: The file needs more memory than there is.
    """
    _check(upload.path, limits)
    scanned = scan_file(upload.path, named, _THREADS, with_crops=upload.for_page)
    return _judged(upload, named, scanned)


def without_verdict(upload: Upload, named: NamedDetector, error: VideoGivenUp) -> Judged:
    """Return what is known of an upload whose worker was stopped or died.

    Args:
        upload: The file.
        named: The detector.
        error: What happened.
    """
    return _judged(upload, named, give_up(upload.path, named, error))


def _check(path: Path, limits: ServerLimits) -> None:
    from dfd.errors import VideoError
    from dfd.video.packets import list_packets, opened

    try:
        with opened(path) as (_, stream):
            pixels = stream.width * stream.height
        length = list_packets(path).duration
    except VideoError:
        return  # the scan says so in its record
    if pixels > limits.pixels:
        raise Refused(422, f"{pixels:,} pixels a frame; this server takes {limits.pixels:,}")
    if length > limits.duration_s:
        raise Refused(422, f"{length:.0f} seconds long; this server takes {limits.duration_s:.0f}")


def _judged(upload: Upload, named: NamedDetector, scanned: Scanned) -> Judged:
    file = scanned.record.file.model_copy(update={"name": upload.name, "path": None})
    record = scanned.record.model_copy(update={"file": file})
    return Judged(record, _report(record, scanned.crops, named) if upload.for_page else None)


def _report(record: "VerdictRecord", crops: "tuple[Crop, ...]", named: NamedDetector) -> str:
    import numpy as np

    from dfd.detector.card import load_card
    from dfd.scan.heatmap import HeatMaps, occlusion
    from dfd.scan.report import report_page, suspicious
    from dfd.scan.scanning import Scan, pixels

    scan = Scan(record, crops)
    heat = None
    if worst := suspicious(scan):
        images = np.stack([pixels(crop) for crop in worst])
        heat = HeatMaps("occlusion", occlusion(loaded_detector(named.directory, _THREADS), images))
    return report_page(scan, load_card(named.directory), heat)
