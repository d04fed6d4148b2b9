"""Stage ``faces``: extracts the face crops of every video into tar shards with a manifest."""

from typing import Any

import pandas as pd
from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.futures import PrefectFuture

from dfd.errors import VideoGivenUp
from dfd.isolation import Limits
from dfd.params.faces import CropParams, FacesParams
from dfd.params.section import load_section
from dfd.params.workers import WorkerParams
from flows.paths import FACES, FACES_STORE, INDEX, VIDEOS
from flows.progress import ProgressBar
from flows.runner import as_they_end, shared_server, task_runner
from flows.stage import run_stage
from tasks.faces import extract_video, missing_videos, prepare_detector, write_shards
from tasks.progress import ProgressArtifact
from tasks.workers import limits_of

_LISTED = 500  # rows the Prefect UI shows well


@flow(name="faces", flow_run_name="faces")
def extract_faces(params: FacesParams, limits: Limits) -> None:
    """Extract the faces of the indexed videos; a run that was killed continues where it was."""
    prepare_detector.submit(params.crop, limits).result()
    missing = missing_videos(INDEX, params.crop, FACES_STORE)
    given_up = _extract(missing, params.crop, limits)
    manifest = write_shards(INDEX, params, FACES_STORE, given_up, FACES)
    without = manifest[manifest["reason"].notna()]
    create_table_artifact(
        key="faces",
        table=[[row.video, row.reason, row.detail] for row in without.head(_LISTED).itertuples()],
        description=f"{len(without)} of {len(manifest)} videos gave no crop",
    )


def _extract(missing: pd.DataFrame, params: CropParams, limits: Limits) -> dict[str, VideoGivenUp]:
    """Extract the videos' faces into the store, and return the videos that were given up."""
    folder, store = VIDEOS.resolve(), FACES_STORE.resolve()  # workers may run in another folder
    given_up: dict[str, VideoGivenUp] = {}

    def submit(row: Any) -> PrefectFuture[None]:
        return extract_video.submit(row.video, row.sha256, folder, params, limits, store)

    with (
        ProgressBar("videos", len(missing)) as bar,
        ProgressArtifact("faces", len(missing)) as page,
    ):
        for row, future in as_they_end(submit, missing.itertuples()):
            try:
                future.result()
            except VideoGivenUp as error:
                given_up[str(row.video)] = error
            bar.advance(failed=len(given_up))
            page.advance(failed=len(given_up))
    return given_up


def faces() -> None:
    """Run the stage on this machine or on a Dask cluster, as the section ``workers`` says."""
    params, workers = load_section(FacesParams), load_section(WorkerParams)
    runner = task_runner(workers)
    with shared_server(workers):
        extract_faces.with_options(task_runner=runner)(params, limits_of(workers))


if __name__ == "__main__":
    run_stage(faces)
