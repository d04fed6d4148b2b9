"""Tasks of the stage ``faces``."""

from functools import cache
from pathlib import Path

import cv2
import pandas as pd
from prefect import get_run_logger, task

from dfd.errors import FacesError
from dfd.faces.backends import load_face_detector
from dfd.faces.detector import FaceDetector
from dfd.faces.extract import VideoFaces, extract_faces
from dfd.faces.shards import read_manifest, write_faces
from dfd.faces.store import read_video_faces, store_key, write_video_faces
from dfd.params import FacesParams

# One detector a process, shared by the threads: loading it costs more than a short video.
face_detector = cache(load_face_detector)


@task(task_run_name="prepare face detector")
def prepare_detector(params: FacesParams) -> None:
    """Fetch and load the face detector before any video needs it."""
    cv2.setNumThreads(1)  # a thread a video fills the cores already
    detector: FaceDetector = face_detector(params)
    get_run_logger().info("faces are found by %s", type(detector).__name__)


@task(task_run_name="faces {video}")
def extract_video(video: str, sha256: str, folder: Path, params: FacesParams, store: Path) -> None:
    """Extract one video's faces into the store, unless they are there."""
    key = store_key(sha256, params)
    if read_video_faces(store, key) is None:
        write_video_faces(store, key, extract_faces(folder / video, params, face_detector(params)))


@task(task_run_name="write shards")
def write_shards(
    index: pd.DataFrame, params: FacesParams, store: Path, output: Path
) -> pd.DataFrame:
    """Write the stage's output from the store, and return its manifest."""
    hashes = zip(index["video"], index["sha256"], strict=True)
    keys = {video: store_key(sha256, params) for video, sha256 in hashes}

    def faces_of(video: str) -> VideoFaces:
        faces = read_video_faces(store, keys[video])
        if faces is None:
            raise FacesError(f"{store}: the result of {video!r} is gone; run `dvc repro faces`")
        return faces

    write_faces(output, index, faces_of, params)
    manifest = read_manifest(output)
    logger = get_run_logger()
    for row in manifest[manifest["reason"].notna()].itertuples():
        logger.warning("%s: no crop, %s (%s)", row.video, row.reason, row.detail)
    logger.info("%s: %d crops of %d videos", output, manifest["crops"].sum(), len(manifest))
    return manifest
