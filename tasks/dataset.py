"""Tasks of the stages ``dataset`` and ``split``."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import get_run_logger, task

from dfd.dataset import audit
from dfd.dataset.audit_page import audit_page
from dfd.dataset.index import FileFacts, build_index, describe, read_index
from dfd.dataset.layouts import LabelledVideo, read_layout
from dfd.dataset.split import make_split, read_split, summarise
from dfd.errors import VideoError, VideoGivenUp
from dfd.faces.video import probe
from dfd.files import place, write_json, write_table, write_text
from dfd.params import DatasetParams, SplitParams
from tasks.isolated import isolated_looks, thread_worker

# To list the packets of a video and decode its first frame takes a small part of either.
_TIME_LIMIT_S = 300
_MEMORY_LIMIT_MB = 2048


@task(task_run_name="list videos")
def list_videos(params: DatasetParams) -> list[LabelledVideo]:
    """Read the labels of the data set's folder."""
    videos = read_layout(Path(params.videos), params.layout)
    parts = Counter(video.part or "none" for video in videos)
    get_run_logger().info(
        "%d labelled videos in %s; official parts: %s", len(videos), params.videos, dict(parts)
    )
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
def split_videos(index: Path, params: SplitParams, split: Path) -> dict[str, Any]:
    """Divide the indexed videos into parts and return the counts."""
    rows = make_split(read_index(index), params)
    write_table(split, rows)
    counts = summarise(rows, params)
    logger = get_run_logger()
    if counts["leaky"]:
        logger.warning(
            "protocol %r: groups in several parts: %s; every figure made from this split is LEAKY",
            params.protocol,
            counts["groups_crossing"],
        )
    logger.info("%s: %s", split, counts["parts"])
    return counts


@task(task_run_name="audit split")
def audit_split(
    index: Path, split: Path, videos: Path, counts: dict[str, Any], summary: Path, page: Path
) -> None:
    """Write the counts with the audit's findings, and its page; fail on a leak."""
    rows = read_split(split)
    found = audit.audit_split(read_index(index), rows, partial(isolated_looks, videos), None)
    if counts["protocol"] == "official" and counts["leaky"]:
        found = found.tolerated()
    write_json(summary, {**counts, "audit": found.as_json()})
    write_text(page, audit_page(found, rows))
    for finding in found.findings:
        get_run_logger().warning("%s: %s", finding.severity, finding.text)
    if found.count("leak"):
        raise audit.leak_error(found)
