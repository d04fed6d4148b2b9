"""Stage ``faces``: every video's face crops, one task a video, in tar shards with a manifest."""

import os
from typing import Any

from prefect import flow, unmapped
from prefect.artifacts import create_table_artifact
from prefect.task_runners import ThreadPoolTaskRunner

from dfd.dataset.index import read_index
from dfd.params import FacesParams, load_section
from flows.paths import FACES, FACES_STORE, INDEX, VIDEOS
from flows.stage import run_stage
from tasks.faces import extract_video, prepare_detector, write_shards

RUNNER: Any = ThreadPoolTaskRunner(max_workers=os.cpu_count() or 1)  # one thread a decoder


@flow(name="faces", flow_run_name="faces", task_runner=RUNNER)
def faces() -> None:
    """Extract the faces of the indexed videos; a killed run continues where it was."""
    params, index = load_section(FacesParams), read_index(INDEX)
    prepare_detector(params)
    extract_video.map(
        index["video"].tolist(),
        index["sha256"].tolist(),
        folder=unmapped(VIDEOS),
        params=unmapped(params),
        store=unmapped(FACES_STORE),
    ).result()
    manifest = write_shards(index, params, FACES_STORE, FACES)
    counts = ["video", "asked", "decoded", "with_face", "kept", "crops", "reason"]
    create_table_artifact(
        key="faces",
        table={name: manifest[name].fillna("").tolist() for name in counts},
        description="What became of the sampled frames of every video",
    )


if __name__ == "__main__":
    run_stage(faces)
