"""Scanning one file in a worker process: from its path to its verdict.

Heavy modules are imported inside the functions, so that the process that hands files to workers
starts fast.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dfd.errors import VideoGivenUp
from dfd.labels import PRIOR

if TYPE_CHECKING:
    from dfd.detector.network import Detector
    from dfd.scan.scanning import Scan
    from dfd.video.packets import Packets

# The detector last loaded in this process, by its directory and its number of threads.
_loaded: "dict[tuple[Path, int], Detector]" = {}


@dataclass(frozen=True)
class NamedDetector:
    """The directory of a detector, and the name that a verdict record gives to the detector.

    Attributes:
        directory: The detector directory. Another detector may be put there at any time, as a
            promotion does. Each scan uses the detector that is there when the scan begins.
        name: Directory or registry address by which the user named the detector.
        version: Version in the registry, if the user named an address in the registry. None for a
            directory, whose version is read from its file ``registered.json``, if it has one.
        anyway: Whether a video outside the detector's domain gets a score, without a verdict.
        prior: Share of FAKE among the videos that are judged, between 0 and 1.

    Example:
        >>> NamedDetector(Path("models/champion"), name="champion").version is None
        True
    """

    directory: Path
    name: str
    version: str | None = None
    anyway: bool = False
    prior: float = PRIOR


def scan_file(
    path: Path,
    named: NamedDetector,
    threads: int = 0,
    with_crops: bool = False,
    admit: "Callable[[Packets], None]" = lambda packets: None,
) -> "Scan":
    """Judge one file, in this process and without limits of time or memory.

    The network is loaded while the video is decoded. A file that cannot be used gives the verdict
    INCONCLUSIVE with a reason, not an exception.

    Args:
        path: The file.
        named: The detector.
        threads: Threads that compute the scores; 0 for one thread per core.
        with_crops: Whether the result holds the crops, which a report shows.
        admit: Callback that is called with the packets of the video before a frame is decoded, and
            again for each frame that is larger than the header promised, with its size. An
            exception that it raises reaches the caller, so it may refuse long or large videos.

    Raises:
        DetectorError: The detector cannot be loaded.
        WeightsError: The face detector cannot be loaded.
        MemoryError: The file needs more memory than there is.

    Example, where ``detector_dir`` is a detector directory:
        >>> scan = scan_file(Path("no-such.mp4"), NamedDetector(detector_dir, name="champion"))
        >>> scan.record.verdict, scan.record.reasons[0].code
        ('INCONCLUSIVE', 'unreadable')
    """
    from concurrent.futures import ThreadPoolExecutor

    import cv2

    from dfd.detector.card import load_card
    from dfd.scan.inspection import inspect_file
    from dfd.scan.scanning import conclude, measure

    cv2.setNumThreads(1)  # decoding, loading and other workers fill the cores already
    crop = load_card(named.directory).crop
    while True:
        with ThreadPoolExecutor(1) as loader:
            loading = loader.submit(current_detector, named.directory, threads)
            inspection = inspect_file(path, crop, admit)
            detector = loading.result()
        if detector.card.crop == crop:
            break
        # Meanwhile a detector was put into the directory that needs faces cropped in another way.
        crop = detector.card.crop
    measured = measure(inspection.faces.crops, detector)
    version = named.version or detector.version
    about = detector.card, named.name, version, named.anyway, named.prior
    scan = conclude(inspection, measured, *about)
    return scan if with_crops else replace(scan, crops=())


def give_up(path: Path, named: NamedDetector, error: VideoGivenUp) -> "Scan":
    """Return the scan of a file whose worker process was stopped or died: INCONCLUSIVE, and why.

    Args:
        path: The file.
        named: The detector.
        error: What happened to the worker process.

    Raises:
        DetectorError: The detector's card cannot be read.

    Example, where ``detector_dir`` is a detector directory:
        >>> error = VideoGivenUp("time_limit", "took longer than 900 seconds")
        >>> scan = give_up(Path("a.mp4"), NamedDetector(detector_dir, name="champion"), error)
        >>> scan.record.verdict, scan.record.reasons[0].code
        ('INCONCLUSIVE', 'time_limit')
    """
    from dfd.detector.network import card_and_version
    from dfd.scan.inspection import failed_inspection
    from dfd.scan.scanning import conclude

    inspection = failed_inspection(path, error.reason, error.detail, time.perf_counter())
    card, version = card_and_version(named.directory)
    version = named.version or version
    return conclude(inspection, None, card, named.name, version, named.anyway, named.prior)


def current_detector(directory: Path, threads: int) -> "Detector":
    """Return the detector that is in a directory now; card, version and network belong together.

    The detector stays loaded, and is loaded again only after another detector or another version
    was put into the directory.

    Args:
        directory: The detector directory.
        threads: Threads that compute the scores; 0 for one thread per core.

    Raises:
        DetectorError: The detector cannot be loaded.

    Example, where ``detector_dir`` is a detector directory:
        >>> current_detector(detector_dir, 1) is current_detector(detector_dir, 1)
        True
    """
    from dfd.detector.network import card_and_version, load_detector

    loaded = _loaded.get((directory, threads))
    if loaded is None or (loaded.card, loaded.version) != card_and_version(directory):
        loaded = _loaded[directory, threads] = load_detector(directory, threads)
    return loaded
