"""RetinaFace with a MobileNet-0.25 backbone, run by ONNX Runtime.

Deng, Guo, Ververas, Kotsia, Zafeiriou: RetinaFace: Single-Shot Multi-Level Face Localisation in the
Wild, CVPR 2020. Anchors and box coding follow SSD (Liu et al., 2016).
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dfd.arrays import Image
from dfd.errors import OnnxError, WeightsError
from dfd.faces.detectors.mobilenet_weights import mobilenet_weights
from dfd.faces.face import Face, make_faces
from dfd.onnx import Session, open_session
from dfd.params.faces import CropParams

_MEAN = (104, 117, 123)  # BGR
_ANCHORS = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))  # stride, sides in pixels
_CENTRE_VARIANCE = 0.1
_SIZE_VARIANCE = 0.2
_NMS_IOU = 0.4

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class RetinaFaceMobileNet:
    """A face detector; ``FaceDetector`` describes how it is called.

    Attributes:
        session: The loaded network. Its input is ``input``, float32 (1, 3, H, W); its outputs are
            ``loc`` (1, A, 4), ``conf`` (1, A, 2) and ``landmarks`` (1, A, 10) for A anchors.
        min_score: Faces with a score below this value, 0..1, are dropped.
    """

    session: Session
    min_score: float

    def __call__(self, image: Image) -> list[Face]:
        loc, conf, landmarks = self.session.run(
            ["loc", "conf", "landmarks"], {"input": _planes(image)}
        )
        scores = conf[0, :, 1]
        likely = np.flatnonzero(scores >= self.min_score)
        anchors, scores = _anchors(*image.shape[:2])[likely], scores[likely]
        boxes = _decode_boxes(loc[0, likely], anchors)
        kept = _suppress(boxes, scores)
        points = _decode_landmarks(landmarks[0, likely][kept], anchors[kept])
        return make_faces(boxes[kept], points, scores[kept], image)


def load_mobilenet(params: CropParams) -> RetinaFaceMobileNet:
    """Return the face detector with its verified weights; it computes on one thread.

    Raises:
        WeightsError: The weights cannot be fetched, verified or loaded.
    """
    return RetinaFaceMobileNet(
        one_thread_session(mobilenet_weights(), "the RetinaFace-MobileNet weights"),
        params.min_score,
    )


def one_thread_session(model: bytes | Path, name: str) -> Session:
    """Load an ONNX graph, from its bytes or its file's path, to run on the calling thread alone.

    Raises:
        WeightsError: ONNX Runtime cannot load it; ``name`` stands for it in the line.
    """
    try:
        return open_session(model, threads=1)
    except OnnxError as error:
        raise WeightsError(f"{name}: not a loadable ONNX model ({error}); remove it") from error


def _planes(image: Image) -> Floats:
    """Return the input of the network, float32 (1, 3, H, W); ten times as fast as OpenCV's own."""
    planes = np.empty((1, 3, *image.shape[:2]), np.float32)
    for target, plane, mean in zip(planes[0], cv2.split(image), _MEAN, strict=True):
        np.subtract(plane, np.float32(mean), out=target)
    return planes


@lru_cache(maxsize=16)
def _anchors(height: int, width: int) -> Floats:
    """Return the anchors, (A, 3) centre x, centre y and side in pixels, in output order."""
    levels = []
    for stride, sides in _ANCHORS:
        rows, columns = -(-height // stride), -(-width // stride)
        y, x, side = np.meshgrid(
            (np.arange(rows) + 0.5) * stride,
            (np.arange(columns) + 0.5) * stride,
            np.array(sides, np.float64),
            indexing="ij",
        )
        levels.append(np.stack([x, y, side], axis=-1).reshape(-1, 3))
    return np.concatenate(levels).astype(np.float32)


def _decode_boxes(loc: Floats, anchors: Floats) -> Floats:
    """Return boxes, (N, 4) x1, y1, x2, y2, from (N, 4) offsets of the centre and log size."""
    centres = anchors[:, :2] + loc[:, :2] * _CENTRE_VARIANCE * anchors[:, 2:]
    halves = anchors[:, 2:] * np.exp(loc[:, 2:] * _SIZE_VARIANCE) / 2
    return np.concatenate([centres - halves, centres + halves], axis=1)


def _decode_landmarks(offsets: Floats, anchors: Floats) -> Floats:
    """Return landmarks, (N, 5, 2), from their offsets, (N, 10)."""
    points = offsets.reshape(-1, 5, 2)
    return anchors[:, None, :2] + points * _CENTRE_VARIANCE * anchors[:, None, 2:]


def _suppress(boxes: Floats, scores: Floats) -> npt.NDArray[np.intp]:
    """Return the indices of the boxes that non-maximum suppression keeps."""
    sized = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(sized.tolist(), scores.tolist(), 0.0, _NMS_IOU)
    return np.array(kept, np.intp).reshape(-1)
