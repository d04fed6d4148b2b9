"""Files judged beside each other, each in a worker process that it cannot bring down with it."""

import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from dfd.errors import ScanError, VideoGivenUp
from dfd.files import readable
from dfd.isolation import WorkerPool
from dfd.scan.worker import NamedDetector, Scanned, give_up, scan_file
from tasks.champion import registered_version
from tasks.isolated import spare_workers_the_program

_ADDRESS = re.compile(r"models:/(?P<model>[A-Za-z0-9._-]+)(@|/)(?P<version>[A-Za-z0-9._-]+)")

_AHEAD = 4  # files a worker may be before the reader of what came of them


@dataclass(frozen=True)
class Limits:
    """What one file may take: seconds of wall-clock time, and memory in 2**20 bytes."""

    time_s: float
    memory_mb: int


def find_detector(model: str) -> NamedDetector:
    """Return the detector of a directory or of an address in the registry.

    Args:
        model: A detector directory, ``models:/<name>@<alias>`` or ``models:/<name>/<version>``.

    Raises:
        ScanError: There is no such directory.
        RegistryError: The registry does not have it.
    """
    if address := _ADDRESS.fullmatch(model):
        from tasks.registry import DETECTOR, open_registry

        with open_registry(address["model"], make=False) as registry:
            version = registry.version(address["version"])
            return NamedDetector(registry.file(version, DETECTOR), model, str(version.version))
    directory = Path(model)
    if not directory.is_dir():
        raise ScanError(
            f"{readable(directory)}: there is no detector; run `dvc repro` to have a champion, or "
            "name another: --model models/mesonet, or --model models:/deepfake-detector/2"
        )
    return NamedDetector(directory, readable(directory), registered_version(directory))


def scan_files(
    videos: list[Path],
    detector: NamedDetector,
    limits: Limits,
    with_crops: bool,
    ended: Callable[[int], None],
) -> Iterator[Scanned]:
    """Yield what came of each file, in their order; their paths are in the records.

    Args:
        videos: The files, one or more.
        detector: What judges them.
        limits: Of each file.
        with_crops: Whether to hand over what a report shows.
        ended: Called when a file is done, in whatever order, from several threads, with the number
            of those given up.

    Raises:
        DetectorError: The detector cannot be loaded.
        WeightsError: The face detector cannot be loaded.
    """
    cores = os.cpu_count() or 1
    workers = min(cores, len(videos))
    spare_workers_the_program()

    given_up: list[Path] = []

    def one(path: Path) -> Scanned:
        try:
            scanned = pool.run(scan_file, path, detector, cores // workers, with_crops)
        except VideoGivenUp as error:
            given_up.append(path)
            scanned = give_up(path, detector, error)
        ended(len(given_up))
        file = scanned.record.file.model_copy(update={"path": readable(path)})
        return replace(scanned, record=scanned.record.model_copy(update={"file": file}))

    with (
        ThreadPoolExecutor(workers) as threads,
        WorkerPool(workers, limits.time_s, limits.memory_mb) as pool,
    ):
        begun: deque[Future[Scanned]] = deque()
        try:
            for path in videos:
                begun.append(threads.submit(one, path))
                if len(begun) > _AHEAD * workers:  # reports may take longer than scans
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
