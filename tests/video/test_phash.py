from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dfd.errors import DatasetError
from dfd.video.frame import Frame
from dfd.video.frames import probe
from dfd.video.phash import hash_bits, perceptual_hash
from tests.dataset.clips import write_clip


def differing(one: Path, other: Path) -> int:
    hashes = [probe(path).phash for path in (one, other)]
    assert all(hashes)
    ours, theirs = hash_bits([text for text in hashes if text])
    return int((ours != theirs).sum())


@pytest.mark.parametrize("change", [{"crf": 40}, {"size": (80, 60)}, {"fps": 30}])
def test_a_copy_keeps_its_hash_and_another_room_has_another(
    tmp_path: Path, change: dict[str, int]
) -> None:
    clip = write_clip(tmp_path / "a.mp4", room=1, take=0, seconds=0.2)
    copy = write_clip(tmp_path / "b.mp4", room=1, take=0, seconds=0.2, **change)  # type: ignore[arg-type]
    other = write_clip(tmp_path / "c.mp4", room=2, take=0, seconds=0.2)
    assert differing(clip, copy) < 32
    assert differing(clip, other) > 64


def frame(pixels: np.ndarray) -> Frame:
    return Frame(0, 0.0, av.VideoFrame.from_ndarray(pixels, format="bgr24"), Fraction(1))


def test_a_mirrored_frame_has_the_odd_columns_inverted() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    hashes = [
        perceptual_hash(frame(one)) for one in (pixels, np.ascontiguousarray(pixels[:, ::-1]))
    ]
    one, other = hash_bits([text for text in hashes if text])
    changed = (one != other).mean(axis=0)
    assert changed[::2].max() < 0.1
    assert changed[1::2].min() > 0.9


def test_a_plain_frame_has_no_hash() -> None:
    assert perceptual_hash(frame(np.zeros((48, 64, 3), np.uint8))) is None


def test_what_is_no_hash_is_refused() -> None:
    for text in ("abc", "x" * 64):
        with pytest.raises(DatasetError, match="64 hexadecimal digits"):
            hash_bits([text])
