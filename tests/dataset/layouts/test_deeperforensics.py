from pathlib import Path

import pytest

from dfd.dataset.layouts import read_layout
from dfd.errors import DatasetError
from tests.dataset.layouts.trees import plant

LAYOUT = "deeperforensics"
YOUTUBE = "original_sequences/youtube/c23/videos"
SWAPS = {"train": "000_M101", "val": "001_W004", "test": "002_M005"}


def tree(folder: Path) -> Path:
    for name in SWAPS.values():
        plant(folder, f"{YOUTUBE}/{name[:3]}.mp4")
        for variant in ("end_to_end", "end_to_end_level_5"):
            plant(folder, f"manipulated_videos/{variant}/{name}.mp4")
    plant(folder, "source_videos/M101/BlendShape/M101_BlendShape_camera_front.mp4")
    return folder


def write_lists(folder: Path, **lists: str) -> None:
    below = folder / "lists" / "splits"
    below.mkdir(parents=True)
    for name, swap in lists.items():
        (below / f"{name}.txt").write_text(f"{swap}.mp4\n")


def test_forgeries_and_targets_are_read_and_actors_are_not(tmp_path: Path) -> None:
    videos = {video.video: video for video in read_layout(tree(tmp_path), LAYOUT)}
    assert len(videos) == 9
    fake = videos["manipulated_videos/end_to_end_level_5/000_M101.mp4"]
    assert (fake.label, fake.method) == ("FAKE", "end_to_end_level_5")
    assert (fake.source, fake.donor) == (f"{YOUTUBE}/000.mp4", "M101")
    assert videos[f"{YOUTUBE}/000.mp4"].label == "REAL"


def test_a_target_goes_with_its_forgery(tmp_path: Path) -> None:
    write_lists(tree(tmp_path), **SWAPS)
    parts = {video.video: video.part for video in read_layout(tmp_path, LAYOUT)}
    assert parts["manipulated_videos/end_to_end/001_W004.mp4"] == "validation"
    assert parts["manipulated_videos/end_to_end_level_5/001_W004.mp4"] == "validation"
    assert parts[f"{YOUTUBE}/001.mp4"] == "validation"
    assert parts[f"{YOUTUBE}/002.mp4"] == "test"


def test_without_target_videos_it_says_where_they_come_from(tmp_path: Path) -> None:
    plant(tmp_path, "manipulated_videos/end_to_end/000_M101.mp4")
    with pytest.raises(DatasetError, match=r"000\.mp4: is missing.*FaceForensics\+\+ \(c23\)"):
        read_layout(tmp_path, LAYOUT)


def test_wrong_lists_and_names_are_refused(tmp_path: Path) -> None:
    write_lists(tree(tmp_path), **SWAPS | {"test": "077_M005"})
    with pytest.raises(DatasetError, match=r"test\.txt: 1 of 1 .* '077_M005'"):
        read_layout(tmp_path, LAYOUT)
    (tmp_path / "lists" / "splits" / "test.txt").unlink()
    with pytest.raises(DatasetError, match=r"test\.txt: is missing"):
        read_layout(tmp_path, LAYOUT)
    plant(tmp_path, "lists/splits/test.txt", "manipulated_videos/end_to_end/000.mp4")
    with pytest.raises(DatasetError, match=r"000\.mp4: is not named like 000_M101"):
        read_layout(tmp_path, LAYOUT)
