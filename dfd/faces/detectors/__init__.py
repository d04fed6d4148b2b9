"""The face detectors by name. A new face detector is one module here and one line in the table."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from dfd.errors import ParamsError
from dfd.faces.detectors.ready_made import load_ready_made
from dfd.faces.detectors.retinaface_mobilenet import load_mobilenet
from dfd.faces.detectors.retinaface_resnet50 import load_resnet50
from dfd.faces.face import FaceDetector
from dfd.params.faces import CropParams


@dataclass(frozen=True)
class FaceDetectorEntry:
    """How one face detector is loaded.

    Attributes:
        load: Fetches the weights at first use and returns the face detector; raises
            ``WeightsError``. Packages that are slow to import are imported inside this function.
        packages: Names of the Python packages that only this face detector needs.
    """

    load: Callable[[CropParams], FaceDetector]
    packages: tuple[str, ...] = ()


DEFAULT, READY_MADE = "retinaface-mobilenet", "none"
FACE_DETECTORS = {
    DEFAULT: FaceDetectorEntry(load_mobilenet),
    READY_MADE: FaceDetectorEntry(load_ready_made),  # the frames are crops already
    "retinaface-resnet50": FaceDetectorEntry(load_resnet50, packages=("retina-face",)),
}


def face_detector_entry(name: str) -> FaceDetectorEntry:
    """Return the line of the table for a face detector.

    Args:
        name: The value of ``faces.detector`` in ``params.yaml`` or on a detector's card.

    Raises:
        ParamsError: No face detector has this name; the message lists the known names.

    Example:
        >>> face_detector_entry("retinaface-resnet50").packages
        ('retina-face',)
    """
    if name not in FACE_DETECTORS:
        raise ParamsError(
            f"faces.detector: no face detector {name!r}; there are {', '.join(FACE_DETECTORS)}"
        )
    return FACE_DETECTORS[name]


def load_face_detector(params: CropParams) -> FaceDetector:
    """Return the face detector that ``params.detector`` names; its weights are fetched once.

    Raises:
        ParamsError: No face detector has this name.
        WeightsError: The weights cannot be fetched, verified or loaded.
    """
    return face_detector_entry(params.detector).load(params)


# Kept for the life of the process: loading a face detector takes longer than a short video.
face_detector = cache(load_face_detector)
