"""The package's post-processing on a network that answers as told; its download without a net."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from dfd.errors import WeightsError
from dfd.faces.detectors import load_face_detector
from dfd.faces.detectors.retinaface_resnet50 import RetinaFaceResNet50
from dfd.faces.extract import extract_faces
from tests.clip_fixtures import face_params, write_clip

# Offsets, in anchor sizes, of the person's right eye, left eye, nose, right and left mouth corner.
OFFSETS = [(-0.2, -0.2), (0.2, -0.2), (0.0, 0.0), (-0.15, 0.25), (0.15, 0.25)]


class OneFace:
    """A network that sees a 128-pixel face at one cell of the stride-16 map, whatever the image."""

    def __init__(self, row: int, column: int, score: float) -> None:
        self.row, self.column, self.score = row, column, score
        self.seen: list[tuple[tuple[int, ...], list[float]]] = []

    def __call__(self, images: np.ndarray) -> list[np.ndarray]:
        self.seen.append((images.shape, images[0, 0, 0].tolist()))
        outputs = []
        for stride in (32, 16, 8):
            rows, columns = (-(-side // stride) for side in images.shape[1:3])
            scores = np.zeros((1, rows, columns, 4), np.float32)
            landmarks = np.zeros((1, rows, columns, 20), np.float32)
            if stride == 16:
                scores[0, self.row, self.column, 2] = self.score  # anchors: background, then face
                landmarks[0, self.row, self.column, :10] = np.ravel(OFFSETS)
            outputs += [scores, np.zeros((1, rows, columns, 8), np.float32), landmarks]
        return outputs


def test_a_detection_becomes_a_face_in_the_pixels_of_the_image() -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    image[...] = (10, 20, 30)
    network = OneFace(row=7, column=10, score=0.95)
    (face,) = RetinaFaceResNet50(network, min_score=0.8)(image)
    # The anchor of 128 pixels is centred on cell (10, 7) of 16.
    centre = np.array([10 * 16 + 8, 7 * 16 + 8])
    assert face.score == pytest.approx(0.95)
    assert face.box == pytest.approx([*(centre - 64), *(centre + 64)], abs=2)
    expected = centre + np.array(OFFSETS) * 128
    assert np.array(face.landmarks) == pytest.approx(expected, abs=2)
    assert network.seen == [((1, 240, 320, 3), [30, 20, 10])]  # RGB


@pytest.mark.parametrize("shape", [(100, 120, 3), (700, 1400, 3)])
def test_images_are_not_resized(shape: tuple[int, int, int]) -> None:
    network = OneFace(row=3, column=3, score=0.95)
    RetinaFaceResNet50(network, 0.8)(np.zeros(shape, np.uint8))
    assert network.seen[0][0] == (1, *shape)


def test_it_serves_the_extraction_as_the_other_detector_does(tmp_path: Path) -> None:
    """A face found at detection size is cropped at full resolution, there where it is."""
    image = np.zeros((480, 640, 3), np.uint8)
    image[120:344, 232:456] = 255  # where the network sees the face, at twice its scale
    clip = write_clip(tmp_path / "clip.mp4", [image] * 10)
    params = face_params(detector="retinaface-resnet50", detection_size=320, margin=0.5)
    network = OneFace(row=7, column=10, score=0.95)
    faces = extract_faces(clip, params, RetinaFaceResNet50(network, 0.8))
    assert {shape for shape, _ in network.seen} == {(1, 240, 320, 3)}
    assert (faces.asked, faces.kept, faces.tracks, faces.reason) == (8, 8, 1, None)
    crop = cv2.imdecode(np.frombuffer(faces.crops[0].jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    bright = np.argwhere(crop > 128)
    assert np.abs(bright.mean(axis=0) - 31.5).max() < 3
    assert np.ptp(bright, axis=0) == pytest.approx([28, 28], abs=3)  # half of 64, less the frame


def test_a_low_score_is_no_face() -> None:
    detector = RetinaFaceResNet50(OneFace(row=3, column=3, score=0.7), 0.8)
    assert detector(np.zeros((200, 200, 3), np.uint8)) == []


def test_weights_that_cannot_be_downloaded_say_where_to_put_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPFACE_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(WeightsError) as caught:
        load_face_detector(face_params(detector="retinaface-resnet50"))
    assert str(tmp_path / ".deepface" / "weights" / "retinaface.onnx") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_weights_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFACE_HOME", str(tmp_path))
    path = tmp_path / ".deepface" / "weights" / "retinaface.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"an error page")
    with pytest.raises(WeightsError, match=r"retinaface\.onnx"):
        load_face_detector(face_params(detector="retinaface-resnet50"))
