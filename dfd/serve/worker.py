"""What a worker process of the server does: one upload to its record and its report."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dfd.errors import VideoGivenUp
from dfd.scan.worker import NamedDetector, give_up, loaded_detector, scan_file
from dfd.serve.limits import Limits, Refused

if TYPE_CHECKING:
    from dfd.faces.extract import Crop
    from dfd.scan.record import VerdictRecord

_THREADS = 1  # a worker; scans beside each other fill the cores


@dataclass(frozen=True)
class Judged:
    """A record and its page."""

    record: "VerdictRecord"
    page: str


def judge(path: Path, name: str, named: NamedDetector, limits: Limits) -> Judged:
    """Scan an upload and write its report; heat maps are by occlusion, which needs no TensorFlow.

    Args:
        path: The upload.
        name: What the client calls it.
        named: The detector.
        limits: Those on length and size are checked here, before anything is decoded.

    Raises:
        Refused: 422 for a video that is too long or has too many pixels.
        DetectorError: The detector cannot be loaded.
        WeightsError: The face detector cannot be loaded.
        MemoryError: The file needs more memory than there is.
    """
    _check(path, limits)
    scanned = scan_file(path, named, _THREADS, with_crops=True)
    return _page(scanned.record, scanned.crops, name, named)


def without_verdict(path: Path, name: str, named: NamedDetector, error: VideoGivenUp) -> Judged:
    """Return the record and the page of an upload whose worker was stopped or died.

    Args:
        path: The upload.
        name: What the client calls it.
        named: The detector.
        error: What happened.
    """
    return _page(give_up(path, named, error).record, (), name, named)


def _check(path: Path, limits: Limits) -> None:
    from dfd.errors import VideoError
    from dfd.faces.packets import list_packets, opened

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


def _page(
    record: "VerdictRecord", crops: "tuple[Crop, ...]", name: str, named: NamedDetector
) -> Judged:
    import numpy as np

    from dfd.detector import load_card
    from dfd.scan.heatmap import HeatMaps, occlusion
    from dfd.scan.report import report_page, suspicious
    from dfd.scan.scanning import Scan, pixels

    file = record.file.model_copy(update={"name": name, "path": None})
    scan = Scan(record.model_copy(update={"file": file}), crops)
    heat = None
    if worst := suspicious(scan):
        images = np.stack([pixels(crop) for crop in worst])
        heat = HeatMaps("occlusion", occlusion(loaded_detector(named.directory, _THREADS), images))
    return Judged(scan.record, report_page(scan, load_card(named.directory), heat))
