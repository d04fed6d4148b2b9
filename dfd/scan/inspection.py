"""Inspection of a file before it is judged: its video, its face crops and its C2PA manifest."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dfd.faces.detectors import face_detector
from dfd.faces.extract import extract_faces
from dfd.faces.record import VideoFaces, no_crops
from dfd.files import content_of, readable, why_unreadable
from dfd.params.faces import CropParams
from dfd.scan.provenance import read_provenance
from dfd.scan.record import Provenance, ScannedFile, Video
from dfd.video.packets import Packets


@dataclass(frozen=True)
class Inspection:
    """The content of a file, as far as it could be read.

    Attributes:
        file: The file.
        video: The video in the file; None where no frame can be decoded.
        faces: The face crops, and counts of the sampled frames.
        provenance: What the C2PA manifest of the file claims; None where none was read.
        started: ``time.perf_counter`` at the start of the inspection.
    """

    file: ScannedFile
    video: Video | None
    faces: VideoFaces
    provenance: Provenance | None
    started: float


def inspect_file(
    path: Path, params: CropParams, admit: Callable[[Packets], None] = lambda packets: None
) -> Inspection:
    """Sample a file's frames, find its faces and crop them exactly as the stage ``faces`` does.

    A file that cannot be used gives an inspection whose ``faces.reason`` says why, not an
    exception.

    Args:
        path: The file.
        params: How to find and crop faces.
        admit: Callback that is called with the packets of the video before a frame is decoded, and
            again for each frame that is larger than the header promised, with its size. An
            exception that it raises reaches the caller, so it may refuse long or large videos.

    Raises:
        WeightsError: The face detector cannot be loaded.
        MemoryError: The file needs more memory than there is.

    Example:
        >>> from dfd.params.faces import FacesParams
        >>> from dfd.params.section import load_section
        >>> inspection = inspect_file(Path("no-such.mp4"), load_section(FacesParams).crop)
        >>> inspection.faces.reason, inspection.faces.detail
        ('unreadable', 'is no regular file, or a link to nothing')
    """
    started = time.perf_counter()
    if why := why_unreadable(path):
        return failed_inspection(path, "unreadable", why, started)
    faces = extract_faces(path, params, face_detector(params), admit)
    video = None
    if faces.width:
        video = Video(
            duration_s=faces.duration_s,
            width=faces.width,
            height=faces.height,
            frames=faces.frames,
        )
    return Inspection(_scanned_file(path), video, faces, read_provenance(path), started)


def failed_inspection(path: Path, reason: str, detail: str, started: float) -> Inspection:
    """Return the inspection of a file whose content could not be read.

    Args:
        path: The file.
        reason: Why, as a code of ``dfd.scan.reasons.REASONS``.
        detail: The reason explained in one line.
        started: ``time.perf_counter`` at the start of the inspection.

    Example:
        >>> inspection = failed_inspection(Path("a.mp4"), "crash", "its process died", started=0.0)
        >>> inspection.file.name, inspection.video, inspection.faces.crops
        ('a.mp4', None, ())
    """
    return Inspection(_scanned_file(path), None, no_crops(reason, detail), None, started)


def _scanned_file(path: Path) -> ScannedFile:
    name = readable(Path(path.name))
    if why_unreadable(path):
        return ScannedFile(name=name, sha256="", size=0)
    try:
        sha256, size = content_of(path)
        return ScannedFile(name=name, sha256=sha256, size=size)
    except OSError:
        return ScannedFile(name=name, sha256="", size=0)
