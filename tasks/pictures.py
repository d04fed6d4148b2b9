"""Hashing the pictures of videos in worker processes; each content is hashed once."""

import json
from contextlib import suppress
from functools import cache
from pathlib import Path

import cv2

from dfd.arrays import Image
from dfd.errors import VideoError, VideoGivenUp
from dfd.faces.detectors.mobilenet_weights import mobilenet_weights
from dfd.faces.detectors.retinaface_mobilenet import RetinaFaceMobileNet, one_thread_session
from dfd.files import write_json
from dfd.isolation import Limits, WorkerPool
from dfd.video.pictures import Box, PictureHashes, read_pictures

LIMITS = Limits(time_s=300, memory_mb=2048)  # to decode half a minute, and find faces in it
_MIN_SCORE = 0.8
_VERSION = 1  # raise it when the same content would give other hashes


def hashed_pictures(pool: WorkerPool, path: Path, sha256: str, store: Path) -> PictureHashes | None:
    """Return the hashes of a video's pictures, None where it cannot be decoded.

    Args:
        pool: Where the video is decoded.
        path: The video file.
        sha256: Hash of its content.
        store: Folder with the hashes of the contents that were hashed before.

    Raises:
        WeightsError: The face detector's weights cannot be fetched.
        OSError: The store cannot be written.
    """
    kept = store / f"{sha256}-{_VERSION}.json"
    with suppress(OSError, ValueError, TypeError):  # there is none, or it is damaged
        return PictureHashes(**json.loads(kept.read_text(encoding="utf-8")))
    try:
        pictures = pool.run(_read, path)
    except (VideoError, VideoGivenUp):
        return None
    write_json(kept, {"frames": pictures.frames, "faces": pictures.faces})
    return pictures


def _read(path: Path) -> PictureHashes:
    return read_pictures(path, face_boxes)


def face_boxes(image: Image) -> list[Box]:
    """Return the boxes of the faces in an image, uint8 (H, W, 3) BGR, in its pixels."""
    return [face.box for face in _face_detector()(image)]


@cache
def _face_detector() -> RetinaFaceMobileNet:
    """Return the quick face detector, whatever the parameters of the stage ``faces``."""
    cv2.setNumThreads(1)  # the processes that run in parallel already fill the cores
    session = one_thread_session(mobilenet_weights(), "the RetinaFace-MobileNet weights")
    return RetinaFaceMobileNet(session, _MIN_SCORE)
