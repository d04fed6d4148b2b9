"""The extraction of the stage ``faces`` on any files, outside the workflow."""

import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import pandas as pd

from dfd.errors import FacesError, VideoGivenUp
from dfd.faces import worker
from dfd.faces.extract import VideoFaces, nothing
from dfd.faces.shards import CROPS, MANIFEST, read_manifest, write_faces
from dfd.faces.store import read_video_faces, store_key
from dfd.files import hash_file, readable
from dfd.isolation import WorkerPool
from dfd.params import CropParams, FacesParams
from flows.progress import ProgressBar
from flows.videos import find_videos

STORE = ".store"  # below the output: what is already extracted


def extract_paths(paths: list[Path], out: Path, params: FacesParams) -> None:
    """Extract the faces of files, and of folders' videos, into ``out``; print what came of them.

    Raises:
        VideoError: A path does not exist, or there is no video.
        FacesError: ``out`` cannot be written.
        WeightsError: The face detector cannot be loaded.
    """
    found = sorted({path.absolute() for path in find_videos(paths)})
    base = os.path.commonpath([path.parent for path in found])
    videos: dict[str, Path] = {}
    for path in found:
        name = readable(path.relative_to(base))
        if videos.setdefault(name, path) != path:
            raise FacesError(f"two files would both be called {name!r}; rename one of them")
    extract_videos(videos, out, params)
    _report(out)


def extract_videos(videos: dict[str, Path], out: Path, params: FacesParams) -> None:
    """Extract the faces of files, by id, into ``out``.

    Raises:
        FacesError: ``out`` cannot be written.
        WeightsError: The face detector cannot be loaded.
    """
    store = out / STORE
    _check_output(out)
    ended = _extract(videos, store, params)

    def faces_of(video: str) -> VideoFaces:
        outcome = ended[video]
        if isinstance(outcome, VideoGivenUp):
            return nothing(outcome.reason, outcome.detail)
        faces = read_video_faces(store, outcome)
        if faces is None:
            raise FacesError(f"{store}: the result of {video!r} is gone; run again")
        return faces

    table = pd.DataFrame({"video": list(videos), "group": list(videos)})
    table[["label", "method", "dataset"]] = None
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
    videos: dict[str, Path], store: Path, params: FacesParams
) -> dict[str, str | VideoGivenUp]:
    """Return for each video the key of its result, or why it has none."""
    workers = min(os.cpu_count() or 1, len(videos))
    ended: dict[str, str | VideoGivenUp] = {}
    failed = 0
    with (
        WorkerPool(workers, params.time_limit_s, params.memory_limit_mb) as pool,
        ThreadPoolExecutor(workers) as threads,
        ProgressBar("faces", len(videos)) as bar,
    ):
        futures = {
            threads.submit(_extract_one, pool, path, store, params.crop): video
            for video, path in videos.items()
        }
        try:
            for future in as_completed(futures):
                try:
                    ended[futures[future]] = future.result()
                except VideoGivenUp as error:
                    ended[futures[future]] = error
                    failed += 1
                bar.advance(failed)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return ended


def _extract_one(pool: WorkerPool, path: Path, store: Path, params: CropParams) -> str:
    if not path.is_file():
        raise VideoGivenUp("unreadable", "is no regular file, or a link to nothing")
    try:
        key = store_key(hash_file(path), params)
    except OSError as error:
        raise VideoGivenUp("unreadable", f"cannot be read ({error.strerror})") from error
    if read_video_faces(store, key) is None:
        pool.run(worker.extract_into, store, key, path, params)
    return key


def _report(out: Path) -> None:
    manifest = read_manifest(out)
    without = manifest[manifest["reason"].notna()]
    for row in without.itertuples():
        print(f"{row.video!r}: no crop, {row.reason} ({row.detail})")
    videos = f"{len(manifest)} video{'' if len(manifest) == 1 else 's'}"
    print(f"{out}: {manifest['crops'].sum()} crops of {videos}, {len(without)} without any")
