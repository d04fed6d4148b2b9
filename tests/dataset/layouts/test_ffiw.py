from pathlib import Path

from dfd.dataset.layouts import read_layout
from tests.dataset.layouts.trees import plant


def test_sides_are_labels_folders_are_parts_and_names_are_pairs(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        plant(tmp_path, f"source/{part}/1.mp4", f"target/{part}/1.mp4", f"target_mask/{part}/1.mp4")
    plant(tmp_path, "target/val/2.mp4")
    videos = {video.video: video for video in read_layout(tmp_path, "ffiw")}
    assert len(videos) == 7
    assert videos["source/train/1.mp4"].label == "REAL"
    assert videos["target/train/1.mp4"].label == "FAKE"
    assert videos["target/test/1.mp4"].source == "source/test/1.mp4"
    assert videos["target/val/2.mp4"].source is None
    assert videos["target/val/1.mp4"].part == "validation"
    assert videos["source/test/1.mp4"].part == "test"
