"""Tasks of the stage ``split``."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from dfd.audit import audit
from dfd.audit.page import audit_page
from dfd.audit.people import join_people, read_people
from dfd.dataset.table import read_index
from dfd.errors import SplitError
from dfd.files import write_json, write_table, write_text
from dfd.params.data import SplitParams
from dfd.split.protocols import make_split
from dfd.split.table import read_split, summarise
from tasks.workers import isolated_fingerprints

if TYPE_CHECKING:
    from dfd.video.fingerprint import Fingerprint


@task(task_run_name="split videos")
def split_videos(index: Path, params: SplitParams, faces: Path, split: Path) -> dict[str, Any]:
    """Assign the indexed videos to parts, write the split, and return the counts."""
    videos = read_index(index)
    if params.people and params.protocol == "group":
        videos = _with_people(videos, faces, params)
    rows = make_split(videos, params)
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


def _with_people(videos: pd.DataFrame, faces: Path, params: SplitParams) -> pd.DataFrame:
    """Return the videos with the groups of the same people joined, and say what was joined."""
    logger = get_run_logger()
    # FaceNet knows no rendered people: 24 of the sample's look like 6 to it.
    real = videos.loc[(videos["label"] == "REAL") & ~videos["synthetic"], ["video", "label"]]
    if real.empty:
        return videos
    people = read_people(real, faces, download=params.people is True)
    if isinstance(people, str):
        if params.people is True:
            raise SplitError(f"split.people: {people}")
        logger.warning("one person may be in several parts: %s", people)
        return videos
    joined = videos.assign(group=join_people(videos, people))
    largest = joined["group"].value_counts()
    logger.info("%d groups before, %d by people", videos["group"].nunique(), len(largest))
    if largest.iloc[0] > len(joined) / 2:
        logger.warning(
            "%d of %d videos are one group, that of %s: its people look alike; set split.people: "
            "false in params.yaml if they are not the same",
            *(largest.iloc[0], len(joined), largest.index[0]),
        )
    return joined


@task(task_run_name="audit split", cache_policy=NO_CACHE)  # a callback has no cache key
def audit_split(
    index: Path,
    split: Path,
    videos: Path,
    counts: dict[str, Any],
    summary: Path,
    page: Path,
    on_step: Callable[[str, int, int], None],
) -> None:
    """Audit the split, write its summary and its page, and fail if there is a leak."""

    def fingerprints(alike: list[str]) -> Iterator[tuple[str, "Fingerprint | None"]]:
        for number, one in enumerate(isolated_fingerprints(videos, alike), 1):
            on_step(f"{number} of {len(alike)} similar videos compared", number, len(alike))
            yield one

    rows = read_split(split)
    on_step("looking for leaks", 0, 0)
    result = audit.audit_split(read_index(index), rows, fingerprints)
    if counts["protocol"] == "official" and counts["leaky"]:
        result = result.tolerated()
    write_json(summary, {**counts, "audit": result.as_json()})
    write_text(page, audit_page(result, rows))
    for finding in result.findings:
        get_run_logger().warning("%s: %s", finding.severity, finding.text)
    if result.count("leak"):
        raise audit.leak_error(result)
