"""Worker processes in which tasks decode videos."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfd.errors import VideoError, VideoGivenUp
from dfd.isolation import Limits, WorkerPool, for_each
from dfd.params.workers import WorkerParams
from dfd.words import displayed

if TYPE_CHECKING:
    from dfd.video.fingerprint import Fingerprint

_FINGERPRINT_LIMITS = Limits(time_s=120, memory_mb=2048)  # to decode at most four seconds

LONGEST_NAME = 120  # characters of a video's name in a log
_own = threading.local()


def limits_of(params: WorkerParams) -> Limits:
    """Return the time and memory that one video may take, from the section ``workers``."""
    return Limits(params.time_limit_s, params.memory_limit_mb)


def thread_worker(limits: Limits) -> WorkerPool:
    """Return the calling thread's worker process; the first call starts it and sets its limits."""
    if not hasattr(_own, "pool"):
        _own.pool = WorkerPool(1, limits)
    pool: WorkerPool = _own.pool
    return pool


def run_name(verb: str) -> Any:  # Prefect's type for such a function fits no function
    """Return the function that names the runs of a task after its parameter ``video``.

    The name is one line of printable text, whatever the file is called, as Prefect logs it.

    Args:
        verb: What the task does with a video.
    """

    def name(parameters: dict[str, Any]) -> str:
        video = parameters["video"]  # the id of a video, or what the data set says of it
        return f"{verb} {displayed(str(getattr(video, 'video', video)), LONGEST_NAME)}"

    return name


def isolated_fingerprints(
    folder: Path, videos: list[str]
) -> Iterator[tuple[str, "Fingerprint | None"]]:
    """Yield each video of ``folder`` with its fingerprint, None where it cannot be read.

    The videos are decoded in worker processes, which end with the iteration.
    """
    from dfd.video.fingerprint import (
        read_fingerprint,  # here, as it imports PyAV, which takes 0.2 s
    )

    def work(pool: WorkerPool, video: str) -> "Fingerprint | None":
        try:
            return pool.run(read_fingerprint, folder / video)
        except VideoError:
            return None

    for video, fingerprint in for_each(work, videos, _FINGERPRINT_LIMITS):
        yield video, None if isinstance(fingerprint, VideoGivenUp) else fingerprint
