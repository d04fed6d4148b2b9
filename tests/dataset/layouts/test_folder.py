import os
from pathlib import Path

import pytest

from dfd.dataset.layouts import read_layout
from dfd.errors import DatasetError


def test_folder_reads_labels_methods_and_twins_at_any_depth(tmp_path: Path) -> None:
    for name in (
        "day/REAL/a.mp4",
        "FAKE/swap/a.mov",
        "FAKE/b.MP4",
        "REAL/notes.txt",
        "REAL/.hidden.mp4",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = {
        video.video: (video.label, video.method, video.source)
        for video in read_layout(tmp_path, "folder")
    }
    assert found == {
        "FAKE/b.MP4": ("FAKE", None, None),
        "FAKE/swap/a.mov": ("FAKE", "swap", "day/REAL/a.mp4"),
        "day/REAL/a.mp4": ("REAL", None, None),
    }


@pytest.mark.parametrize("name", ["other/a.mp4", "REAL/FAKE/a.mp4"])
def test_folder_refuses_a_video_of_no_or_two_labels(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"a\.mp4: must lie below"):
        read_layout(tmp_path, "folder")


def test_folder_names_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "REAL").mkdir()
    (tmp_path / "REAL" / "x.mp4").symlink_to("nowhere.mp4")
    with pytest.raises(DatasetError, match=r"x\.mp4: is a dangling link"):
        read_layout(tmp_path, "folder")


def test_folder_looks_into_a_folder_with_a_videos_name(tmp_path: Path) -> None:
    (tmp_path / "REAL" / "x.mp4").mkdir(parents=True)
    (tmp_path / "REAL" / "x.mp4" / "a.mp4").write_bytes(b"x")
    assert [video.video for video in read_layout(tmp_path, "folder")] == ["REAL/x.mp4/a.mp4"]


def test_folder_gives_odd_names_an_id_that_can_be_written(tmp_path: Path) -> None:
    names = [b'it\'s "1".mp4', b"new\nline.mp4", b"\xff\xfe.mp4"]
    (tmp_path / "REAL").mkdir()
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path / "REAL") + b"/" + name)).write_bytes(b"x")
    videos = read_layout(tmp_path, "folder")
    assert {video.video for video in videos} == {
        'REAL/it\'s "1".mp4',
        "REAL/new\nline.mp4",
        "REAL/\\xff\\xfe.mp4",
    }
    assert all(video.path.is_file() for video in videos)
