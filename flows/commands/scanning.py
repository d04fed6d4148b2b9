"""Scanning several files at once, each in a worker process, so that a crash costs one file."""

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
    """Return the detector in a directory or at an address of the registry.

    Args:
        model: A detector directory, ``models:/<name>@<alias>`` or ``models:/<name>/<version>``.

    Raises:
        ScanError: The directory does not exist.
        RegistryError: The registry has no such version, or its files are gone or have changed.
    """
    if address := _ADDRESS.fullmatch(model):
        from tasks.registry import open_registry

        with open_registry(address["model"], make=False) as registry:
            version = registry.version(address["version"])
            return NamedDetector(registry.detector(version), model, str(version.version))
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
    """Scan files, one worker process per core, and yield the results in the order of the files.

    Each record holds the path of its file.

    Args:
        videos: The files, at least one.
        detector: The detector that judges.
        limits: Time and memory that each file may take.
        with_crops: Whether the results hold the crops, which a report shows.
        ended: Called from several threads after each file, in any order, with the number of files
            given up so far.

    Raises:
        DetectorError: The detector cannot be loaded.
        WeightsError: The face detector cannot be loaded.
    """
    cores = os.cpu_count() or 1
    threads = cores // min(cores, len(videos))  # few files leave cores free for each of them

    def work(pool: WorkerPool, path: Path) -> "Scan":
        return pool.run(scan_file, path, detector, threads, with_crops)

    for path, result in for_each(work, videos, limits, ended):
        scan = give_up(path, detector, result) if isinstance(result, VideoGivenUp) else result
        file = scan.record.file.model_copy(update={"path": readable(path)})
        yield replace(scan, record=scan.record.model_copy(update={"file": file}))
