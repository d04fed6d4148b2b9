"""The face detectors by name."""

from functools import cache

from dfd.faces.face import FaceDetector
from dfd.params.faces import CropParams


def load_face_detector(params: CropParams) -> FaceDetector:
    """Return the detector that ``params.detector`` names, its weights fetched at first use.

    Raises:
        WeightsError: The weights cannot be fetched, verified or loaded.
    """
    # Imported here: the one not asked for need not be paid for (onnxruntime, requests, gdown).
    if params.detector == "retinaface-resnet50":
        from dfd.faces.detectors.retinaface_resnet50 import load_resnet50

        return load_resnet50(params)
    from dfd.faces.detectors.retinaface_mobilenet import load_mobilenet

    return load_mobilenet(params)


# One a process: loading it costs more than a short video.
face_detector = cache(load_face_detector)
