"""RetinaFace with a ResNet50 backbone, by the package ``retina-face`` on its ONNX engine.

Deng et al., RetinaFace, CVPR 2020; https://github.com/serengil/retinaface. The package downloads
its weights at first use and publishes no hash of them, so the only check is that the network loads.
"""

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dfd.arrays import Image
from dfd.errors import WeightsError
from dfd.extras import install_command
from dfd.faces.detectors.retinaface_mobilenet import one_thread_session
from dfd.faces.face import Face, make_faces
from dfd.onnx import import_onnxruntime
from dfd.params.faces import CropParams

_FILE = "retinaface.onnx"
# The names of the package, where left is the left of the person, in the order of ``LANDMARKS``,
# where left is the left of the viewer.
_POINTS = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")

Network = Callable[[npt.NDArray[np.float32]], list[npt.NDArray[np.float32]]]


@dataclass(frozen=True)
class RetinaFaceResNet50:
    """A face detector; ``FaceDetector`` describes how it is called.

    Attributes:
        network: The loaded network. It takes float32 (1, H, W, 3) RGB, 0..255, and returns, for
            each of the strides 32, 16 and 8, class scores, box offsets and landmark offsets, with
            channels last.
        min_score: Faces with a score below this value, 0..1, are dropped.
    """

    network: Network
    min_score: float

    def __call__(self, image: Image) -> list[Face]:
        detections: dict[str, dict[str, Any]] = _package().detect_faces(
            image, threshold=self.min_score, model=self.network, allow_upscaling=False
        )
        faces = list(detections.values())
        boxes = np.array([face["facial_area"] for face in faces], np.float64).reshape(-1, 4)
        points = np.array([[face["landmarks"][name] for name in _POINTS] for face in faces])
        scores = np.array([face["score"] for face in faces], np.float64)
        return make_faces(boxes, points.reshape(-1, 5, 2), scores, image)


def load_resnet50(params: CropParams) -> RetinaFaceResNet50:
    """Return the face detector with the weights of the package; it computes on one thread.

    Raises:
        WeightsError: The package is not installed, or the weights cannot be downloaded or loaded.
    """
    try:
        _package()
    except ModuleNotFoundError as error:
        raise WeightsError(
            f"retinaface-resnet50: {error.name} is not installed; {install_command('workflow')}, "
            "or use retinaface-mobilenet"
        ) from error
    from retinaface.commons.weight_utils import download_weights_if_necessary
    from retinaface.model.retinaface_onnx_model import WEIGHTS_URLS, RetinaFace

    path = Path(os.getenv("DEEPFACE_HOME", str(Path.home()))) / ".deepface" / "weights" / _FILE
    try:
        download_weights_if_necessary(file_name=_FILE, source_urls=WEIGHTS_URLS)
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{path}: the weights of retinaface-resnet50 cannot be downloaded; put {_FILE} there "
            f"from {WEIGHTS_URLS[0]}, or set faces.detector to retinaface-mobilenet"
        ) from error
    session = one_thread_session(path, str(path))
    return RetinaFaceResNet50(RetinaFace(session), params.min_score)


def _package() -> Any:
    """Import the package on its ONNX engine; its default, TensorFlow, would need tf-keras."""
    os.environ["DEEPFACE_BACKEND_ENGINE"] = "onnx"
    import_onnxruntime()  # before the package imports it
    with warnings.catch_warnings():  # importing it turns off all warnings of the process
        from retinaface import RetinaFace as module
    return module
