from collections.abc import Callable
from pathlib import Path

import pytest

from dfd.dataset.index import build_index, describe
from dfd.dataset.layouts import LabelledVideo
from dfd.dataset.table import read_index
from dfd.errors import DatasetError
from dfd.files import write_table
from dfd.video.frames import probe


def test_facts_of_a_video(tmp_path: Path, make_video: Callable[..., Path]) -> None:
    clip = make_video(tmp_path / "a.mp4", frames=10)
    facts = describe(clip, probe(clip))
    assert (facts.width, facts.height, facts.fps) == (64, 48, 25.0)
    assert facts.duration == pytest.approx(0.4, abs=0.05)
    assert facts.bytes == (tmp_path / "a.mp4").stat().st_size


def test_a_file_that_is_no_video_is_indexed_without_facts(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    facts = describe(tmp_path / "a.mp4", None)
    assert facts.bytes == 0
    assert facts.duration is None


def test_index_survives_the_file_and_groups_copies(
    tmp_path: Path, make_video: Callable[..., Path]
) -> None:
    one = make_video(tmp_path / "1.mp4", seed=1)
    copy = tmp_path / "2.mp4"
    copy.write_bytes(one.read_bytes())
    other = make_video(tmp_path / "003.mp4", seed=3)
    videos = [
        LabelledVideo(one, "1.mp4", "REAL", synthetic=True),
        LabelledVideo(copy, "2.mp4", "REAL"),
        LabelledVideo(other, "003.mp4", "FAKE", source="gone.mp4", method="swap"),
    ]
    index = build_index(
        videos, [describe(video.path, probe(video.path)) for video in videos], "mine"
    )
    write_table(tmp_path / "videos.csv", index)
    read = read_index(tmp_path / "videos.csv")
    assert read["video"].tolist() == ["003.mp4", "1.mp4", "2.mp4"]
    assert read["group"].tolist() == ["003.mp4", "1.mp4", "1.mp4"]
    assert read["source"].fillna("").tolist() == ["gone.mp4", "", ""]
    assert read["method"].fillna("").tolist() == ["swap", "", ""]
    assert read["dataset"].tolist() == ["mine"] * 3
    assert read["synthetic"].tolist() == [False, True, False]
    assert read["sha256"].nunique() == 2


def test_a_person_joins_videos_and_the_official_part_is_kept(tmp_path: Path) -> None:
    names = ["007", "008", "009", "id0"]
    for name in names:
        (tmp_path / name).write_text(name)
    videos = [
        LabelledVideo(tmp_path / "007", "007", "REAL", person="id0", part="train"),
        LabelledVideo(tmp_path / "008", "008", "REAL", person="id1"),
        LabelledVideo(tmp_path / "009", "009", "FAKE", person="id0", part="test"),
        LabelledVideo(tmp_path / "id0", "id0", "FAKE"),  # a video that is called like a person
    ]
    facts = [describe(video.path, None) for video in videos]
    write_table(tmp_path / "videos.csv", build_index(videos, facts, "mine"))
    read = read_index(tmp_path / "videos.csv")
    assert read["group"].tolist() == ["007", "008", "007", "id0"]
    assert read["part"].fillna("").tolist() == ["train", "", "test", ""]


def test_a_missing_index_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="dvc repro dataset"):
        read_index(tmp_path / "videos.csv")
    (tmp_path / "videos.csv").write_text("video\na\n")
    with pytest.raises(DatasetError, match="no column 'label'"):
        read_index(tmp_path / "videos.csv")
