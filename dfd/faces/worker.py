"""The functions that run in a worker process of the stage ``faces``."""

from pathlib import Path

import cv2

from dfd.errors import FacesError, VideoGivenUp
from dfd.faces.detectors import face_detector
from dfd.faces.extract import extract_faces
from dfd.faces.store import write_video_faces
from dfd.files import why_not_opened
from dfd.params.faces import CropParams


def prepare(params: CropParams) -> None:
    """Load the face detector in this process; its weights are fetched at first use.

    Raises:
        ParamsError: No face detector has the name in ``params``.
        WeightsError: The weights cannot be fetched, verified or loaded.
    """
    cv2.setNumThreads(1)  # the processes that run in parallel already fill the cores
    face_detector(params)


def extract_into(store: Path, key: str, path: Path, params: CropParams) -> None:
    """Extract the faces of one video and store the result.

    Args:
        store: The folder of the store.
        key: The key of the result, from ``store_key``.
        path: The video file.
        params: How to find and crop faces.

    Raises:
        VideoGivenUp: The file cannot be opened at present; nothing is stored.
        MemoryError: The video needs more memory than there is; nothing is stored.
        WeightsError: The face detector cannot be loaded.
        FacesError: The store cannot be written.
    """
    prepare(params)
    if why := why_not_opened(path):  # not stored: the file may be readable next time
        raise VideoGivenUp("unreadable", why)
    faces = extract_faces(path, params, face_detector(params))
    try:
        write_video_faces(store, key, faces)
    except OSError as error:
        raise FacesError(
            f"{store}: cannot be written ({error.strerror}); make room or give rights, then run "
            "again: what is extracted stays"
        ) from error
