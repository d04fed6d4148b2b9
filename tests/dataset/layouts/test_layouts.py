from pathlib import Path

import pytest

from dfd.dataset.layouts import LAYOUTS, read_layout, recognise_layout
from dfd.errors import DatasetError
from tests.dataset.layouts.trees import plant


def test_a_missing_folder_names_the_key_to_set(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"dataset\.videos"):
        read_layout(tmp_path / "gone", "dfdc")


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no video in it"):
        read_layout(tmp_path, "folder")


def test_an_unknown_layout_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"'dfcd'; there are dfdc, dfdcp, folder, .*celebdf"):
        read_layout(tmp_path, "dfcd")


TREES = {
    "dfdc": ["dfdc_train_part_00/metadata.json"],
    "folder": ["a/REAL/x.mp4"],
    "faceforensics-raw": ["manipulated_sequences/Deepfakes/raw/videos/000_003.mp4"],
    "faceforensics-c0": ["manipulated_sequences/Deepfakes/c0/videos/000_003.mp4"],
    "faceforensics-c23": [
        "manipulated_sequences/Deepfakes/c23/videos/000_003.mp4",
        "original_sequences/youtube/c23/videos/000.mp4",
    ],
    "faceforensics-c40": ["manipulated_sequences/FaceSwap/c40/videos/000_003.mp4"],
    "celebdf": ["Celeb-real/id0_0000.mp4", "Celeb-synthesis/id0_id1_0000.mp4"],
    "deeperforensics": [
        "manipulated_videos/end_to_end/000_M101.mp4",
        "original_sequences/youtube/c23/videos/000.mp4",
    ],
    "dfdcp": ["dataset.json", "original_videos/1/1_A.mp4"],
    "ffiw": ["source/train/a.mp4", "target/train/a.mp4"],
    "crops": ["faces.csv", "REAL/a.jpg"],
    "csv": ["videos.csv", "a.mp4"],
}
CONTENTS = {"faces.csv": "file,label,source,width\nREAL/a.jpg,REAL,,155\n"}


def test_every_layout_has_a_tree_here() -> None:
    assert TREES.keys() == LAYOUTS.keys()


@pytest.mark.parametrize("layout", TREES)
def test_a_folder_is_recognised_by_its_files(tmp_path: Path, layout: str) -> None:
    plant(tmp_path, *TREES[layout])
    for name in set(TREES[layout]) & CONTENTS.keys():
        (tmp_path / name).write_text(CONTENTS[name])
    assert recognise_layout(tmp_path) == layout


def test_two_compressions_are_a_choice_to_be_made(tmp_path: Path) -> None:
    plant(tmp_path, *TREES["faceforensics-c23"], *TREES["faceforensics-c40"])
    with pytest.raises(DatasetError, match=r"could be faceforensics-c23, faceforensics-c40; .*--l"):
        recognise_layout(tmp_path)


def test_a_folder_that_no_layout_fits_is_told_what_to_do(tmp_path: Path) -> None:
    plant(tmp_path, "clips/a.mp4")
    with pytest.raises(DatasetError, match=r"REAL and FAKE, .*videos\.csv"):
        recognise_layout(tmp_path)
    with pytest.raises(DatasetError, match="cannot be listed"):
        recognise_layout(tmp_path / "gone")
