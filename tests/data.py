"""Where test data is, and small real videos."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.shared import make_once

ROOT = Path(__file__).resolve().parent.parent
GRID = ROOT.parent / "shared" / "videos" / "grid"
DFDC_LABELS = ROOT.parent / "shared" / "dfdc" / "train_sample_metadata.json"
SAMPLE = ROOT / "samples" / "videos"


def write_video(
    path: Path, frames: int = 6, seed: int = 0, size: tuple[int, int] = (64, 48)
) -> Path:
    """Encode a short H.264 clip of seeded noise and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for _ in range(frames):
            pixels = rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def huge_video(factory: pytest.TempPathFactory) -> Path:
    """Return a video of one frame that takes 400 MB as decoded; it is made once for all tests."""
    return make_once(factory, "huge", _write_huge) / "huge.mkv"


def _write_huge(folder: Path) -> None:
    folder.mkdir()
    with av.open(folder / "huge.mkv", "w") as clip:
        stream = clip.add_stream("ffv1", rate=25)
        stream.width = stream.height = 8192
        stream.pix_fmt = "gbrp16le"
        frame = av.VideoFrame(8192, 8192, "gbrp16le")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        clip.mux(stream.encode(frame))
        clip.mux(stream.encode())
