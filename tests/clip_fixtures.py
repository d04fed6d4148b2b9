"""Clips drawn on the spot, clips of people, and a detector for drawn faces."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from dfd.arrays import Image
from dfd.faces.detectors import load_face_detector
from dfd.faces.face import Face, FaceDetector
from dfd.params.faces import CropParams
from dfd.video.frame import Frame
from dfd.video.frames import read_frames
from dfd.video.packets import list_packets
from tests.data import ROOT

REAL_CLIPS = {
    "grid": Path(os.environ.get("DFD_REAL_VIDEOS", ROOT.parent / "shared" / "videos" / "grid")),
    "sample": ROOT / "samples" / "videos",
}


def face_params(**changes: object) -> CropParams:
    params = {
        "detector": "retinaface-mobilenet",
        "frames_per_video": 8,
        "detection_size": 640,
        "min_score": 0.8,
        "min_face": 32,
        "max_tracks": 2,
        "margin": 0.2,
        "crop_size": 64,
        "jpeg_quality": 95,
    }
    return CropParams.model_validate({**params, **changes})


def write_clip(path: Path, images: Sequence[Image]) -> Path:
    """Encode uint8 BGR images of even size as H.264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "12", "g": "5", "bf": "2", "threads": "1"}
        stream.height, stream.width = images[0].shape[:2]
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    return path


def frames_of(path: Path, indices: Sequence[int]) -> list[Frame]:
    return list(read_frames(path, list_packets(path), indices))


def numbered_images(count: int, height: int = 48, width: int = 64) -> list[Image]:
    """Grey images whose brightness tells their number; see ``number_in``."""
    return [np.full((height, width, 3), 30 + 5 * index, np.uint8) for index in range(count)]


def number_in(image: Image) -> int:
    # To YUV and back, green, the nearest, comes back within two grey levels.
    return round((float(image[..., 1].mean()) - 30) / 5)


def squares_image(*squares: tuple[int, int, int], height: int = 120, width: int = 200) -> Image:
    """Draw white squares (left, top, side) on black; ``find_squares`` sees them as faces."""
    image = np.zeros((height, width, 3), np.uint8)
    for left, top, side in squares:
        image[top : top + side, left : left + side] = 255
    return image


def find_squares(image: Image) -> list[Face]:
    """Detect drawn faces: bright blobs, the largest first."""
    bright = (image[..., 1] > 128).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(bright)
    boxes = [tuple(map(float, (x, y, x + w, y + h))) for x, y, w, h, _ in stats[1:].tolist()]
    faces = [Face(box, ((box[0], box[1]),) * 5, 0.9) for box in boxes]
    return sorted(faces, key=lambda face: -face.area)


@pytest.fixture
def numbered_clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "numbered.mp4", numbered_images(40))


@pytest.fixture
def squares_clip(tmp_path: Path) -> Path:
    """Two people: one in all 30 frames, moving, and a larger one in the last 15."""
    images = [
        squares_image((10 + index, 40, 40), *([(120, 30, 60)] if index >= 15 else []))
        for index in range(30)
    ]
    return write_clip(tmp_path / "squares.mp4", images)


@pytest.fixture(params=sorted(REAL_CLIPS))
def people_clip(request: pytest.FixtureRequest) -> Path:
    """A clip of one person from each set that is here."""
    clips = sorted(REAL_CLIPS[request.param].glob("*.mp4"))
    if not clips:
        pytest.skip(f"no {request.param} clips here")
    return clips[0]


@pytest.fixture
def person(people_clip: Path) -> Image:
    """One frame of that clip, BGR."""
    return frames_of(people_clip, [10])[0].image()


@pytest.fixture(scope="session")
def load() -> Callable[..., FaceDetector]:
    return lambda **changes: load_face_detector(face_params(**changes))
