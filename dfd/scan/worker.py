"""Scanning one file in a worker process, from its path to its verdict.

Everything heavy is imported inside the functions: the process that hands files to workers imports
next to nothing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dfd.errors import VideoGivenUp

if TYPE_CHECKING:
    from dfd.detector.network import Detector
    from dfd.scan.scanning import Scan
    from dfd.video.packets import Packets

_loaded: "dict[tuple[Path, int], Detector]" = {}  # the last detector of each directory


@dataclass(frozen=True)
class NamedDetector:
    """Where a detector is, and what a verdict record calls it.

    Attributes:
        directory: The detector directory. Another detector may be put there at any time, as a
            promotion does; each scan uses the one that is there when it begins.
        name: Directory or registry address that the user named.
        version: Version in the registry that the address names; None for a directory, which says
            itself what version it holds.
    """

    directory: Path
    name: str
    version: str | None = None


def scan_file(
    path: Path,
    named: NamedDetector,
    threads: int = 0,
    with_crops: bool = False,
    admit: "Callable[[Packets], None]" = lambda packets: None,
) -> "Scan":
    """Judge one file; the network is loaded while the video is decoded.

    A file that cannot be used gives a record with its reason, not an exception.

    Args:
        path: The file.
        named: The detector.
        threads: Threads that classify the crops; 0 for one a core.
        with_crops: Whether the result holds the crops, which a report shows.
        admit: Called with the video's packets before anything is decoded; may refuse by raising.

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
    crop = load_card(named.directory).crop
    while True:
        with ThreadPoolExecutor(1) as beside:
            loading = beside.submit(current_detector, named.directory, threads)
            seen = see(path, crop, admit)
            detector = loading.result()
        if detector.card.crop == crop:
            break
        crop = detector.card.crop  # a detector was put in place meanwhile that crops otherwise
    scores = classify(seen.faces.crops, detector)
    version = named.version or detector.version
    scan = conclude(seen, scores, detector.card, named.name, version)
    return scan if with_crops else replace(scan, crops=())


def give_up(path: Path, named: NamedDetector, error: VideoGivenUp) -> "Scan":
    """Return the record of a file whose worker was stopped or died.

    Args:
        path: The file.
        named: The detector.
        error: What happened.

    Raises:
        DetectorError: The detector's card cannot be read.
    """
    import numpy as np

    from dfd.detector.network import card_and_version
    from dfd.scan.scanning import conclude
    from dfd.scan.seen import unseen

    seen = unseen(path, error.reason, error.detail, time.perf_counter())
    card, version = card_and_version(named.directory)
    scores = np.empty(0, np.float32)
    return conclude(seen, scores, card, named.name, named.version or version)


def current_detector(directory: Path, threads: int) -> "Detector":
    """Return the detector that is in a directory now.

    It is loaded again only when another one, or another version, is there. Card, version and
    network are always those of one detector.

    Raises:
        DetectorError: The detector cannot be loaded.
    """
    from dfd.detector.network import card_and_version, load_detector

    held = _loaded.get((directory, threads))
    if held is None or (held.card, held.version) != card_and_version(directory):
        held = _loaded[directory, threads] = load_detector(directory, threads)
    return held
