"""What a worker process of a scan does: one file from its path to its verdict.

Everything heavy is imported inside: whoever has this done elsewhere imports next to nothing.
"""

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dfd.errors import VideoGivenUp

if TYPE_CHECKING:
    from dfd.detector.network import Detector
    from dfd.faces.record import Crop
    from dfd.scan.record import VerdictRecord


@dataclass(frozen=True)
class NamedDetector:
    """A detector directory, what it was asked for by, and its version in the registry."""

    directory: Path
    name: str
    version: str | None


@dataclass(frozen=True)
class Scanned:
    """A file's record, and the crops it rests on where they were asked for."""

    record: "VerdictRecord"
    crops: "tuple[Crop, ...]" = ()


def scan_file(path: Path, named: NamedDetector, threads: int, with_crops: bool) -> Scanned:
    """Judge one file; the network is loaded while the video is decoded.

    Args:
        path: The file.
        named: The detector.
        threads: Threads that classify its crops.
        with_crops: Whether to hand them over too.

    Raises:
        DetectorError: The detector cannot be loaded.
        WeightsError: The face detector cannot be loaded.
        MemoryError: The file needs more memory than there is.
    """
    from concurrent.futures import ThreadPoolExecutor

    import cv2

    from dfd.detector.card import load_card
    from dfd.scan.scanning import classify, conclude
    from dfd.scan.seen import see

    cv2.setNumThreads(1)  # decoding, loading and other workers fill the cores already
    card = load_card(named.directory)
    with ThreadPoolExecutor(1) as beside:
        loading = beside.submit(loaded_detector, named.directory, threads)
        seen = see(path, card.crop)
        detector = loading.result()
    scores = classify(seen.faces.crops, detector)
    scan = conclude(seen, scores, card, named.name, named.version)
    return Scanned(scan.record, scan.crops if with_crops else ())


def give_up(path: Path, named: NamedDetector, error: VideoGivenUp) -> Scanned:
    """Return the record of a file whose worker was stopped or died.

    Args:
        path: The file.
        named: The detector.
        error: What happened.

    Raises:
        DetectorError: The detector's card cannot be read.
    """
    import numpy as np

    from dfd.detector.card import load_card
    from dfd.scan.scanning import conclude
    from dfd.scan.seen import unseen

    seen = unseen(path, error.reason, error.detail, time.perf_counter())
    scores = np.empty(0, np.float32)
    card = load_card(named.directory)
    return Scanned(conclude(seen, scores, card, named.name, named.version).record)


@cache  # one a process, as for faces
def loaded_detector(directory: Path, threads: int) -> "Detector":
    """Return the detector of a directory, loaded once in this process."""
    from dfd.detector.network import load_detector

    return load_detector(directory, threads)
