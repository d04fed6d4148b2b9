"""Judging one upload in a worker process of the server: its record and its report."""

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

_THREADS = 1  # per scan, because the scans that run at the same time fill the cores


@dataclass(frozen=True)
class Upload:
    """An uploaded file.

    Attributes:
        path: Where the file is stored.
        name: File name that the client gave to the upload.
        for_page: Whether a report is needed too.
    """

    path: Path
    name: str
    for_page: bool


@dataclass(frozen=True)
class Judged:
    """The result of judging an upload.

    Attributes:
        record: The verdict record.
        report: The report as an HTML document; None unless it was asked for.
    """

    record: "VerdictRecord"
    report: str | None


def judge(upload: Upload, named: NamedDetector, limits: ServerLimits) -> Judged:
    """Scan an upload.

    The heat maps of its report are made by occlusion, which does not need TensorFlow.

    Args:
        upload: The uploaded file.
        named: The detector.
        limits: Limits of the server. Length and frame size are checked before a frame is decoded.

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
    """Return the result for an upload whose worker process was stopped or died.

    Args:
        upload: The uploaded file.
        named: The detector.
        error: What happened to the worker process.

    Raises:
        DetectorError: The detector's card cannot be read.

    Example, where ``detector_dir`` is a detector directory:
        >>> upload = Upload(Path("upload"), name="clip.mp4", for_page=False)
        >>> error = VideoGivenUp("crash", "its process died")
        >>> judged = without_verdict(upload, NamedDetector(detector_dir, "champion"), error)
        >>> judged.record.file.name, judged.record.verdict
        ('clip.mp4', 'INCONCLUSIVE')
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
        if detector.card == scan.card:  # otherwise another detector was promoted after the scan
            images = np.stack([pixels(crop) for crop in worst])
            heat = HeatMaps("occlusion", occlusion(detector, images))
    return report_page(scan, heat)
