"""RetinaFace with a ResNet50 backbone: the ``retina-face`` package on its ONNX engine.

Deng et al., RetinaFace, CVPR 2020; https://github.com/serengil/retinaface. The package fetches its
weights at first use and publishes no hash for them, so a graph that loads is all that is checked.
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
from dfd.faces.detectors.retinaface_mobilenet import one_thread_session
from dfd.faces.face import Face, make_faces
from dfd.onnx import import_onnxruntime
from dfd.params.faces import CropParams

_FILE = "retinaface.onnx"
# The package names sides as the person has them, ``LANDMARKS`` as the viewer sees them.
_POINTS = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")

Network = Callable[[npt.NDArray[np.float32]], list[npt.NDArray[np.float32]]]


@dataclass(frozen=True)
class RetinaFaceResNet50:
    """A network and how to use it; see ``FaceDetector`` for the call.

    Attributes:
        network: Takes (1, H, W, 3) float32 RGB in 0..255 and returns, for strides 32, 16 and 8,
            class scores, box offsets and landmark offsets, channels last.
        min_score: Detections below this score are dropped.
    """

    network: Network
    min_score: float

    def __call__(self, image: Image) -> list[Face]:
        found: dict[str, dict[str, Any]] = _package().detect_faces(
            image, threshold=self.min_score, model=self.network, allow_upscaling=False
        )
        faces = list(found.values())
        boxes = np.array([face["facial_area"] for face in faces], np.float64).reshape(-1, 4)
        points = np.array([[face["landmarks"][name] for name in _POINTS] for face in faces])
        scores = np.array([face["score"] for face in faces], np.float64)
        return make_faces(boxes, points.reshape(-1, 5, 2), scores, image)


def load_resnet50(params: CropParams) -> RetinaFaceResNet50:
    """Return the detector with the package's weights, on one thread.

    Raises:
        WeightsError: The weights cannot be downloaded or loaded.
    """
    _package()
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
    """Import the package on its ONNX engine: on TensorFlow, its first choice, it needs tf-keras."""
    os.environ["DEEPFACE_BACKEND_ENGINE"] = "onnx"
    import_onnxruntime()  # before the package imports it
    with warnings.catch_warnings():  # it turns every warning of the process off
        from retinaface import RetinaFace as module
    return module
