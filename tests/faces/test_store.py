from pathlib import Path

import pytest

from dfd.faces.extract import extract_faces
from dfd.faces.record import VideoFaces
from dfd.faces.store import read_video_faces, store_key, write_video_faces
from tests.clip_fixtures import face_params, find_squares
from tests.fuzz import seeded

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


@pytest.mark.parametrize(
    ("count", "seed"), [(1000, 3), pytest.param(20_000, None, marks=pytest.mark.slow)]
)
def test_a_damaged_file_counts_as_absent(
    tmp_path: Path, faces: VideoFaces, count: int, seed: int | None
) -> None:
    write_video_faces(tmp_path, KEY, faces)
    (path,) = tmp_path.glob("*.zip")
    whole = path.read_bytes()
    random = seeded(seed)
    for _ in range(count):
        damaged = bytearray(whole)
        # Near the ends, where the tables are, as often as anywhere.
        reach = int(random.choice([len(whole), 300]))
        for place in random.integers(-reach, reach, int(random.integers(1, 5))):
            damaged[place % len(whole)] ^= int(random.integers(1, 256))
        path.write_bytes(damaged)
        assert read_video_faces(tmp_path, KEY) == (faces if damaged == whole else None)
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert read_video_faces(tmp_path, KEY) is None
    path.write_bytes(whole + b"more")
    assert read_video_faces(tmp_path, KEY) is None
    write_video_faces(tmp_path, KEY, faces)
    assert read_video_faces(tmp_path, KEY) == faces, "it is made again"


def test_a_file_of_another_video_counts_as_absent(tmp_path: Path, faces: VideoFaces) -> None:
    other = store_key("cd" * 32, face_params())
    write_video_faces(tmp_path, KEY, faces)
    (path,) = tmp_path.glob("*.zip")
    path.rename(path.with_name(path.name.replace(KEY, other)))
    assert read_video_faces(tmp_path, other) is None


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
