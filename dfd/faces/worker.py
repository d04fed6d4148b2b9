"""What a worker process of the extraction does: one video into the store."""

from pathlib import Path

import cv2

from dfd.errors import FacesError, VideoGivenUp
from dfd.faces.detectors import face_detector
from dfd.faces.extract import extract_faces
from dfd.faces.store import write_video_faces
from dfd.params.faces import CropParams


def prepare(params: CropParams) -> None:
    """Fetch and load the face detector.

    Raises:
        WeightsError: Its weights cannot be fetched, verified or loaded.
    """
    cv2.setNumThreads(1)  # a process a video fills the cores already
    face_detector(params)


def extract_into(store: Path, key: str, path: Path, params: CropParams) -> None:
    """Extract the faces of one video and keep the result under its key.

    Raises:
        VideoGivenUp: The file cannot be opened now, or memory ran out; nothing is kept.
        WeightsError: The face detector cannot be loaded.
        FacesError: The store cannot be written.
    """
    prepare(params)
    try:
        path.open("rb").close()
    except OSError as error:  # not kept: the file may be back next time
        raise VideoGivenUp("unreadable", f"cannot be opened ({error.strerror})") from error
    faces = extract_faces(path, params, face_detector(params))
    try:
        write_video_faces(store, key, faces)
    except OSError as error:
        raise FacesError(
            f"{store}: cannot be written ({error.strerror}); make room or give rights, then run "
            "again: what is extracted stays"
        ) from error
