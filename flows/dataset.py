"""Stage ``dataset``: the folder of labelled videos, under ``data/videos`` and in one index."""

from typing import Any

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from dfd.params import DatasetParams, load_section
from flows.paths import INDEX, VIDEOS
from flows.stage import run_stage
from tasks.dataset import index_videos, list_videos, place_video

RUNNER: Any = ThreadPoolTaskRunner(max_workers=4)  # waits for the disk more than it computes


@flow(name="dataset", flow_run_name="dataset", task_runner=RUNNER)
def dataset() -> None:
    """Index the videos that ``params.yaml`` names."""
    params = load_section(DatasetParams)
    videos = list_videos(params)
    facts = place_video.map(videos, folder=VIDEOS).result()
    index_videos(videos, facts, params, INDEX)


if __name__ == "__main__":
    run_stage(dataset)
