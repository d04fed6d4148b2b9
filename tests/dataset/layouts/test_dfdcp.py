import json
from pathlib import Path
from typing import Any

import pytest

from dfd.dataset.layouts import read_layout
from dfd.errors import DatasetError
from tests.dataset.layouts.trees import plant

ENTRIES: dict[str, dict[str, Any]] = {
    "original_videos/12/12_A.mp4": {"label": "real", "set": "train", "target_id": 12},
    "method_A/12/12_30_A_001.mp4": {
        "label": "fake",
        "set": "train",
        "target_id": 12,
        "swapped_id": 30,
    },
    "method_B/7/7_12_C_000.mp4": {"label": "fake", "set": "test", "target_id": 7, "swapped_id": 12},
}


def table(folder: Path, entries: dict[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "dataset.json").write_text(json.dumps(entries))


def test_label_part_method_and_actor_come_from_the_table(tmp_path: Path) -> None:
    plant(tmp_path, *ENTRIES)
    table(tmp_path, ENTRIES)
    swapped, other, real = read_layout(tmp_path, "dfdcp")
    assert (real.label, real.part, real.person, real.method) == ("REAL", "train", "actor 12", None)
    assert (swapped.label, swapped.method, swapped.person) == ("FAKE", "method_A", "actor 12")
    assert (other.method, other.person, other.part) == ("method_B", "actor 7", "test")
    assert swapped.donor is None, "with 66 actors, donors would join all groups"


def test_frames_of_deepfakebench_stand_for_the_videos(tmp_path: Path) -> None:
    for video in ("original_videos/frames/12_A", "method_A/frames/12_30_A_001"):
        plant(tmp_path, f"{video}/000.png", f"{video}/005.png")
    table(tmp_path, dict(list(ENTRIES.items())[:2]))
    fake, real = read_layout(tmp_path, "dfdcp")
    assert (fake.video, fake.path) == (
        "method_A/frames/12_30_A_001",
        tmp_path / "method_A" / "frames" / "12_30_A_001",
    )
    assert (real.video, real.label) == ("original_videos/frames/12_A", "REAL")


@pytest.mark.parametrize(
    ("name", "entry", "problem"),
    [
        ("method_A/1/gone.mp4", {"label": "fake", "set": "train"}, "is not in the folder"),
        ("method_A/1/a.mp4", {"label": "maybe", "set": "train"}, "needs the label real or fake"),
        ("method_A/1/a.mp4", {"label": "fake", "set": "holdout"}, "and the set train or test"),
        ("method_A/1/a.mp4", None, "needs the label"),
        ("../a.mp4", {"label": "fake", "set": "train"}, "is not in the folder"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, name: str, entry: Any, problem: str) -> None:
    plant(tmp_path, "a.mp4", "set/original_videos/b.mp4", "set/method_A/1/a.mp4")
    table(tmp_path / "set", {name: entry})
    with pytest.raises(DatasetError, match=problem) as caught:
        read_layout(tmp_path / "set", "dfdcp")
    assert name in str(caught.value)
