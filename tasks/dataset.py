"""Tasks of the stage ``dataset``."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
from prefect import get_run_logger, task

from dfd.dataset.index import FileFacts, build_index, describe
from dfd.dataset.layouts import LabelledVideo, read_layout
from dfd.errors import VideoError, VideoGivenUp
from dfd.files import place, write_table
from dfd.params.data import DatasetParams
from dfd.video.frames import probe
from tasks.pictures import LIMITS, hashed_pictures
from tasks.workers import run_name, thread_worker


@task(task_run_name="list videos")
def list_videos(params: DatasetParams) -> list[LabelledVideo]:
    """Read the labels of the data set's folder."""
    videos = read_layout(Path(params.videos), params.layout)
    parts = Counter(video.part or "none" for video in videos)
    get_run_logger().info(
        "%d labelled videos in %s; official parts: %s", len(videos), params.videos, dict(parts)
    )
    return videos


@task(task_run_name=run_name("place"))
def place_video(video: LabelledVideo, folder: Path, store: Path) -> FileFacts:
    """Link or copy one video into ``folder``, and return the facts for the index."""
    pool = thread_worker(LIMITS)
    try:
        info = pool.run(probe, video.path)
    except (VideoError, VideoGivenUp):
        info = None
    facts = describe(video.path, info)
    if info is not None:
        pictures = hashed_pictures(pool, video.path, facts.sha256, store)
        facts = replace(facts, pictures=pictures)
    place(video.path, folder / video.video)
    return facts


@task(task_run_name="index videos")
def index_videos(
    videos: list[LabelledVideo], facts: list[FileFacts], params: DatasetParams, path: Path
) -> pd.DataFrame:
    """Write the index of the data set, and return it."""
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
