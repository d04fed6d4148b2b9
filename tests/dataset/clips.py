"""Small moving clips of a person-like shape in a room, and copies of them."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt


def write_clip(
    path: Path,
    room: int,
    take: int,
    *,
    size: tuple[int, int] = (160, 120),
    fps: float = 25,
    crf: int = 23,
    seconds: float = 2.4,
    mirrored: bool = False,
    forged: bool = False,
) -> Path:
    """Encode what a camera in ``room`` sees of ``take``: how a shape moves before the background.

    A ``forged`` one differs in the middle of the shape alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(crf)}
        for number in range(round(seconds * fps)):
            image = cv2.resize(_scene(room, take, number / fps, forged), size)
            image = np.ascontiguousarray(image[:, ::-1] if mirrored else image)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    return path


def _scene(room: int, take: int, time_s: float, forged: bool) -> npt.NDArray[np.uint8]:
    walls = np.random.default_rng(room)
    coarse = walls.integers(30, 220, (9, 12, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_CUBIC)
    cv2.ellipse(image, (160, 250), (90, 80), 0, 0, 360, walls.integers(0, 255, 3).tolist(), -1)
    path = np.random.default_rng(1000 * room + take)
    speeds, starts = path.uniform(1, 6, (2, 4)), path.uniform(0, 6.3, (2, 4))
    x, y = np.sin(speeds * time_s + starts).sum(axis=1) * (5, 3) + (160, 115)
    head = (round(x), round(y))
    cv2.ellipse(image, head, (42, 56), 0, 0, 360, (90, 130, 190), -1)
    cv2.ellipse(image, head, (26, 36), 0, 0, 360, (60, 90, 150) if forged else (90, 120, 180), -1)
    mouth = 2 + round(6 * abs(np.sin(speeds[0, 0] * 2 * time_s + (2 if forged else 0))))
    cv2.ellipse(image, (head[0], head[1] + 20), (12, mouth), 0, 0, 360, (40, 40, 90), -1)
    return np.asarray(image, np.uint8)
