from pathlib import Path

import numpy as np
import pytest

from dfd.faces.extract import extract_faces
from dfd.faces.record import VideoFaces
from dfd.faces.store import read_video_faces, store_key, write_video_faces
from tests.clip_fixtures import face_params, find_squares

KEY = store_key("ab" * 32, face_params())


@pytest.fixture
def faces(squares_clip: Path) -> VideoFaces:
    return extract_faces(squares_clip, face_params(), find_squares)


def test_what_is_read_is_what_was_written(tmp_path: Path, faces: VideoFaces) -> None:
    folder = tmp_path / "store"
    assert read_video_faces(folder, KEY) is None
    write_video_faces(folder, KEY, faces)
    assert read_video_faces(folder, KEY) == faces
    assert len(list(folder.iterdir())) == 1


def test_a_video_without_crops_is_remembered_too(tmp_path: Path) -> None:
    nothing = VideoFaces(0, 0, 0, 0, 0, 0, (), "unreadable", "empty")
    write_video_faces(tmp_path, KEY, nothing)
    assert read_video_faces(tmp_path, KEY) == nothing


def test_a_damaged_file_counts_as_absent(tmp_path: Path, faces: VideoFaces) -> None:
    write_video_faces(tmp_path, KEY, faces)
    (path,) = tmp_path.glob("*.zip")
    whole = path.read_bytes()
    random = np.random.default_rng(3)
    for place in random.integers(0, len(whole), 200):
        damaged = bytearray(whole)
        damaged[place] ^= int(random.integers(1, 256))
        path.write_bytes(damaged)
        assert read_video_faces(tmp_path, KEY) in (None, faces)
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert read_video_faces(tmp_path, KEY) is None


def test_the_key_follows_content_and_parameters() -> None:
    keys = [
        KEY,
        store_key("cd" * 32, face_params()),
        store_key("ab" * 32, face_params(margin=0.3)),
        store_key("ab" * 32, face_params(frames_per_video="all")),
        store_key("ab" * 32, face_params(detector="retinaface-resnet50")),
    ]
    assert len(set(keys)) == len(keys)
    assert store_key("ab" * 32, face_params()) == KEY
