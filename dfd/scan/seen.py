"""What is in a file: its faces, cropped as a detector was trained, before anything is judged."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dfd.faces.detectors import face_detector
from dfd.faces.extract import extract_faces
from dfd.faces.record import VideoFaces, nothing
from dfd.files import hash_file, readable
from dfd.params.faces import CropParams
from dfd.scan.provenance import read_provenance
from dfd.scan.record import Provenance, ScannedFile, Video
from dfd.video.packets import Packets


@dataclass(frozen=True)
class Seen:
    """A file looked at.

    Attributes:
        file: The file.
        video: What is in it; None where no frame of it can be decoded.
        faces: Its crops, and what became of its frames.
        provenance: What its C2PA manifest says, if that was read.
        begun: ``time.perf_counter`` when the look began.
    """

    file: ScannedFile
    video: Video | None
    faces: VideoFaces
    provenance: Provenance | None
    begun: float


def see(
    path: Path, params: CropParams, admit: Callable[[Packets], None] = lambda packets: None
) -> Seen:
    """Sample a file's frames, find its faces and crop them exactly as the stage ``faces`` does.

    A file that cannot be used gives a reason, not an exception.

    Args:
        path: The file.
        params: How to find and crop faces.
        admit: Called with the video's packets before anything is decoded; may refuse by raising.

    Raises:
        WeightsError: The face detector cannot be loaded.
        MemoryError: The file needs more memory than there is.
    """
    begun = time.perf_counter()
    if not path.is_file():
        return unseen(path, "unreadable", "is no regular file, or a link to nothing", begun)
    try:
        path.open("rb").close()
    except OSError as error:
        return unseen(path, "unreadable", f"cannot be opened ({error.strerror})", begun)
    faces = extract_faces(path, params, face_detector(params), admit)
    video = None
    if faces.width:
        video = Video(
            duration_s=faces.duration_s,
            width=faces.width,
            height=faces.height,
            frames=faces.frames,
        )
    return Seen(_scanned_file(path), video, faces, read_provenance(path), begun)


def unseen(path: Path, reason: str, detail: str, begun: float) -> Seen:
    """Return what can be said of a file that nobody could look into, and why.

    Args:
        path: The file.
        reason: A code of ``record.Reason``.
        detail: One line for a reader.
        begun: ``time.perf_counter`` when the look began.
    """
    return Seen(_scanned_file(path), None, nothing(reason, detail), None, begun)


def _scanned_file(path: Path) -> ScannedFile:
    name = readable(Path(path.name))
    if not path.is_file():  # a pipe, which would be waited for, or gone
        return ScannedFile(name=name, sha256="", size=0)
    try:
        return ScannedFile(name=name, sha256=hash_file(path), size=path.stat().st_size)
    except OSError:
        return ScannedFile(name=name, sha256="", size=0)
