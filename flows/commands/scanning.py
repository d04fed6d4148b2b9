"""Files judged beside each other, each in a worker process that it cannot bring down with it."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dfd.errors import ScanError, VideoGivenUp
from dfd.files import readable
from dfd.isolation import Limits, WorkerPool, for_each
from dfd.scan.worker import NamedDetector, give_up, scan_file

if TYPE_CHECKING:
    from dfd.scan.scanning import Scan

_ADDRESS = re.compile(r"models:/(?P<model>[A-Za-z0-9._-]+)(@|/)(?P<version>[A-Za-z0-9._-]+)")


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
    return NamedDetector(directory, readable(directory), None)


def scan_files(
    videos: list[Path],
    detector: NamedDetector,
    limits: Limits,
    with_crops: bool,
    ended: Callable[[int], None],
) -> Iterator["Scan"]:
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
    threads = cores // min(cores, len(videos))

    def work(pool: WorkerPool, path: Path) -> "Scan":
        return pool.run(scan_file, path, detector, threads, with_crops)

    for path, outcome in for_each(work, videos, limits, ended):
        if isinstance(outcome, VideoGivenUp):
            outcome = give_up(path, detector, outcome)
        file = outcome.record.file.model_copy(update={"path": readable(path)})
        yield replace(outcome, record=outcome.record.model_copy(update={"file": file}))
