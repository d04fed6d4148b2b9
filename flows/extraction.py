"""Extraction of faces from any video files, as the stage ``faces`` does, without Prefect."""

from pathlib import Path

import pandas as pd

from dfd.errors import FacesError, VideoGivenUp
from dfd.faces import worker
from dfd.faces.reader import CROPS, MANIFEST
from dfd.faces.record import VideoFaces, no_crops
from dfd.faces.shards import write_faces
from dfd.faces.store import read_video_faces, store_key
from dfd.files import content_of, readable, why_unreadable
from dfd.isolation import Limits, WorkerPool, for_each
from dfd.params.faces import CropParams, FacesParams
from flows.progress import ProgressBar

STORE = ".store"  # folder below the output with the faces of each video, kept for the next call


def extract_videos(videos: dict[str, Path], out: Path, params: FacesParams, limits: Limits) -> None:
    """Extract the faces of video files, each in a worker process that may crash or hang.

    Args:
        videos: Video files by id.
        out: Folder for the shards and tables.
        params: How faces are found, cropped and stored.
        limits: Time and memory that one video may take.

    Raises:
        FacesError: ``out`` cannot be written.
        WeightsError: The face detector cannot be loaded.
    """
    store = out / STORE
    _check_output(out)
    ended = _extract(videos, store, params.crop, limits)

    def faces_of(video: str) -> VideoFaces:
        outcome = ended[video]
        if isinstance(outcome, VideoGivenUp):
            return no_crops(outcome.reason, outcome.detail)
        faces = read_video_faces(store, outcome)
        if faces is None:
            raise FacesError(f"{store}: the result of {video!r} is gone; run again")
        return faces

    table = pd.DataFrame({"video": list(videos), "group": list(videos)})
    table[["label", "method", "dataset"]] = None
    table["synthetic"] = False
    write_faces(out, table, faces_of, params.shards)


def _check_output(out: Path) -> None:
    if readable(out) != str(out):
        raise FacesError(f"{readable(out)}: its name is no UTF-8; choose another folder")
    others = [path.name for path in out.glob("*") if path.name in (CROPS, MANIFEST)]
    if others and not (out / STORE).exists():
        raise FacesError(
            f"{out}: holds {others[0]}, which this command did not write; choose another folder"
        )


def _extract(
    videos: dict[str, Path], store: Path, params: CropParams, limits: Limits
) -> dict[str, str | VideoGivenUp]:
    """Return for each video the key of its faces in the store, or why the video was given up."""

    def work(pool: WorkerPool, video: str) -> str:
        return _extract_one(pool, videos[video], store, params)

    with ProgressBar("videos", len(videos)) as bar:
        return dict(for_each(work, list(videos), limits, bar.advance))


def _extract_one(pool: WorkerPool, path: Path, store: Path, params: CropParams) -> str:
    if why := why_unreadable(path):
        raise VideoGivenUp("unreadable", why)
    try:
        key = store_key(content_of(path)[0], params)
    except OSError as error:
        raise VideoGivenUp("unreadable", f"cannot be read ({error.strerror})") from error
    if read_video_faces(store, key) is None:
        pool.run(worker.extract_into, store, key, path, params)
    return key
