"""Stage ``dataset``: links the labelled videos into ``data/videos`` and writes their index."""

from typing import Any

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from dfd.dataset.index import FileFacts
from dfd.params.data import DatasetParams
from dfd.params.section import load_section
from flows.paths import INDEX, PICTURES_STORE, VIDEOS
from flows.progress import ProgressBar
from flows.runner import THREADS, as_they_end
from flows.stage import run_stage
from tasks.dataset import index_videos, list_videos, place_video

RUNNER: Any = ThreadPoolTaskRunner(max_workers=THREADS)


@flow(name="dataset", flow_run_name="dataset", task_runner=RUNNER)
def dataset() -> None:
    """Index the videos that ``params.yaml`` names."""
    params = load_section(DatasetParams)
    videos = list_videos(params)
    facts: dict[str, FileFacts] = {}
    with ProgressBar("videos", len(videos)) as bar:
        placed = as_they_end(
            lambda video: place_video.submit(video, VIDEOS, PICTURES_STORE), videos
        )
        for video, future in placed:
            facts[video.video] = future.result()
            bar.advance(failed=0)
    index_videos(videos, [facts[video.video] for video in videos], params, INDEX)


if __name__ == "__main__":
    run_stage(dataset)
