"""Tasks of the stage ``faces``."""

from pathlib import Path
from typing import Any

import pandas as pd
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from dfd.dataset.table import read_index
from dfd.errors import FacesError, VideoGivenUp
from dfd.faces import worker
from dfd.faces.reader import read_manifest
from dfd.faces.record import VideoFaces, no_crops
from dfd.faces.shards import write_faces
from dfd.faces.store import read_video_faces, store_key
from dfd.isolation import Limits
from dfd.params.faces import CropParams, FacesParams
from dfd.words import displayed
from tasks.workers import LONGEST_NAME, run_name, thread_worker


@task(task_run_name="prepare face detector")
def prepare_detector(params: CropParams, limits: Limits) -> None:
    """Download and load the face detector before the first video needs it."""
    thread_worker(limits).run(worker.prepare, params)


@task(task_run_name="find what is extracted")
def missing_videos(index: Path, params: CropParams, store: Path) -> pd.DataFrame:
    """Return the rows of the index whose faces are not in the store yet."""
    videos = read_index(index)
    keys = [store_key(sha256, params) for sha256 in videos["sha256"]]
    missing = [read_video_faces(store, key) is None for key in keys]
    get_run_logger().info("%d of %d videos are to be extracted", sum(missing), len(videos))
    return videos[missing]


def may_pass_next_time(task: Any, run: TaskRun, state: State[Any]) -> bool:
    """Have Prefect repeat a task whose worker process crashed; other failures would repeat too."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, VideoGivenUp) and error.reason == "crash"


@task(
    task_run_name=run_name("faces"),
    retries=1,
    retry_condition_fn=may_pass_next_time,
    cache_policy=NO_CACHE,  # the result is a file, so that a cache key would only cost time
)
def extract_video(
    video: str, sha256: str, folder: Path, params: CropParams, limits: Limits, store: Path
) -> None:
    """Extract one video's faces into the store, in a worker process."""
    key = store_key(sha256, params)
    thread_worker(limits).run(worker.extract_into, store, key, folder / video, params)


@task(task_run_name="write shards")
def write_shards(
    index: Path,
    params: FacesParams,
    store: Path,
    given_up: dict[str, VideoGivenUp],
    output: Path,
) -> pd.DataFrame:
    """Write the shards and tables of the stage from the store, and return the manifest."""
    videos = read_index(index)
    hashes = zip(videos["video"], videos["sha256"], strict=True)
    keys = {video: store_key(sha256, params.crop) for video, sha256 in hashes}

    def faces_of(video: str) -> VideoFaces:
        if video in given_up:
            return no_crops(given_up[video].reason, given_up[video].detail)
        faces = read_video_faces(store, keys[video])
        if faces is None:
            raise FacesError(f"{store}: the result of {video!r} is gone; run `dvc repro faces`")
        return faces

    write_faces(output, videos, faces_of, params.shards)
    manifest = read_manifest(output)
    logger = get_run_logger()
    for row in manifest[manifest["reason"].notna()].itertuples():
        name = displayed(str(row.video), LONGEST_NAME)
        logger.warning("%s: no crop, %s (%s)", name, row.reason, row.detail)
    logger.info("%s: %d crops of %d videos", output, manifest["crops"].sum(), len(manifest))
    return manifest
