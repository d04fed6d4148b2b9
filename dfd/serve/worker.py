"""What a worker process of the server does: one upload to its record and its report."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dfd.errors import VideoGivenUp
from dfd.scan.worker import NamedDetector, current_detector, give_up, scan_file
from dfd.serve.limits import Refused, ServerLimits

if TYPE_CHECKING:
    from dfd.scan.record import VerdictRecord
    from dfd.scan.scanning import Scan
    from dfd.video.packets import Packets

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
        limits: The server's; those on length and size are checked before anything is decoded.

    Raises:
        Refused: 422 for a video that is too long or has too many pixels.
        DetectorError: The detector cannot be loaded.
        WeightsError: The face detector cannot be loaded.
        MemoryError: The file needs more memory than there is.
    """

    def admit(packets: "Packets") -> None:
        if packets.pixels > limits.pixels:
            raise Refused(
                422, f"{packets.pixels:,} pixels a frame; this server takes {limits.pixels:,}"
            )
        if packets.duration > limits.duration_s:
            raise Refused(
                422,
                f"{packets.duration:.0f} seconds long; this server takes {limits.duration_s:.0f}",
            )

    scan = scan_file(upload.path, named, _THREADS, upload.for_page, admit)
    return _judged(upload, named, scan)


def without_verdict(upload: Upload, named: NamedDetector, error: VideoGivenUp) -> Judged:
    """Return the record of an upload whose worker was stopped or died.

    Args:
        upload: The file.
        named: The detector.
        error: What happened.
    """
    return _judged(upload, named, give_up(upload.path, named, error))


def _judged(upload: Upload, named: NamedDetector, scan: "Scan") -> Judged:
    file = scan.record.file.model_copy(update={"name": upload.name, "path": None})
    renamed = replace(scan, record=scan.record.model_copy(update={"file": file}))
    return Judged(renamed.record, _report(renamed, named) if upload.for_page else None)


def _report(scan: "Scan", named: NamedDetector) -> str:
    import numpy as np

    from dfd.scan.heatmap import HeatMaps, occlusion
    from dfd.scan.report import report_page, suspicious
    from dfd.scan.scanning import pixels

    heat = None
    if worst := suspicious(scan):
        detector = current_detector(named.directory, _THREADS)
        if detector.card == scan.card:  # else another detector has been promoted since
            images = np.stack([pixels(crop) for crop in worst])
            heat = HeatMaps("occlusion", occlusion(detector, images))
    return report_page(scan, heat)
