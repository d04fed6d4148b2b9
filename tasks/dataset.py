"""Tasks of the stages ``dataset`` and ``split``."""

from pathlib import Path

import pandas as pd
from prefect import get_run_logger, task

from dfd.dataset.index import FileFacts, build_index, describe, read_index
from dfd.dataset.layouts import LabelledVideo, read_layout
from dfd.dataset.split import make_split, summarise
from dfd.errors import VideoError, VideoGivenUp
from dfd.faces.video import probe
from dfd.files import place, write_json, write_table
from dfd.params import DatasetParams, SplitParams
from tasks.isolated import thread_worker

# To list the packets of a video and decode its first frame takes a small part of either.
_TIME_LIMIT_S = 300
_MEMORY_LIMIT_MB = 2048


@task(task_run_name="list videos")
def list_videos(params: DatasetParams) -> list[LabelledVideo]:
    """Read the labels of the data set's folder."""
    videos = read_layout(Path(params.videos), params.layout)
    get_run_logger().info("%d labelled videos in %s", len(videos), params.videos)
    return videos


@task(task_run_name="place {video.video}")
def place_video(video: LabelledVideo, folder: Path) -> FileFacts:
    """Put one video below ``folder`` without a second copy, and describe it."""
    try:
        info = thread_worker(_TIME_LIMIT_S, _MEMORY_LIMIT_MB).run(probe, video.path)
    except (VideoError, VideoGivenUp):
        info = None
    facts = describe(video.path, info)
    place(video.path, folder / video.video)
    return facts


@task(task_run_name="index videos")
def index_videos(
    videos: list[LabelledVideo], facts: list[FileFacts], params: DatasetParams, path: Path
) -> pd.DataFrame:
    """Write the index of the data set."""
    index = build_index(videos, facts, params.name)
    write_table(path, index)
    unreadable = int(index["duration"].isna().sum())
    get_run_logger().info(
        "%s: %d videos, %d groups, %d unreadable",
        path,
        len(index),
        index["group"].nunique(),
        unreadable,
    )
    return index


@task(task_run_name="split videos")
def split_videos(index: Path, params: SplitParams, split: Path, summary: Path) -> None:
    """Divide the indexed videos into parts and write the counts."""
    rows = make_split(read_index(index), params)
    write_table(split, rows)
    counts = summarise(rows, params)
    write_json(summary, counts)
    logger = get_run_logger()
    if params.leaky:
        logger.warning("protocol 'frame': every figure made from this split is LEAKY")
    logger.info("%s: %s", split, counts["parts"])
