from pathlib import Path

import pytest

from dfd.dataset.layouts import list_unlabelled
from dfd.errors import DatasetError
from tests.dataset.layouts.trees import plant


def test_every_video_at_or_below_the_folder_is_listed(tmp_path: Path) -> None:
    plant(tmp_path, "b.mp4", "more/a.MOV", "notes.txt", ".hidden.mp4", "x.mp4/in.mp4")
    found = list_unlabelled(tmp_path)
    assert [video for video, _ in found] == ["b.mp4", "more/a.MOV", "x.mp4/in.mp4"]
    assert all(path == tmp_path / video for video, path in found)


def test_nothing_to_list_is_an_error(tmp_path: Path) -> None:
    plant(tmp_path, "notes.txt")
    with pytest.raises(DatasetError, match=r"no video in it \(1 entries\)"):
        list_unlabelled(tmp_path)
    with pytest.raises(DatasetError, match="cannot be listed"):
        list_unlabelled(tmp_path / "gone")
    with pytest.raises(DatasetError, match="cannot be listed"):
        list_unlabelled(tmp_path / "notes.txt")


def test_a_dangling_link_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").symlink_to("nowhere.mp4")
    with pytest.raises(DatasetError, match=r"a\.mp4: is a dangling link"):
        list_unlabelled(tmp_path)
