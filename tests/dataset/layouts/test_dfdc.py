import json
from collections import Counter
from pathlib import Path

import pytest

from dfd.dataset.layouts import read_layout
from dfd.errors import DatasetError
from tests.data import DFDC_LABELS


def dfdc(folder: Path, table: object, *, files: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metadata.json").write_text(table if isinstance(table, str) else json.dumps(table))
    if files and isinstance(table, dict):
        for name in table:
            if "/" not in name and name != "..":
                (folder / name).write_bytes(b"x")
    return folder


def entry(label: object, original: str | None = None) -> dict[str, object]:
    return {"label": label, "split": "train", "original": original}


def test_dfdc_reads_labels_and_sources(tmp_path: Path) -> None:
    dfdc(tmp_path, {"b.mp4": entry("FAKE", "a.mp4"), "a.mp4": entry("REAL")})
    real, fake = read_layout(tmp_path, "dfdc")
    assert (real.video, real.label, real.source) == ("a.mp4", "REAL", None)
    assert (fake.video, fake.label, fake.source) == ("b.mp4", "FAKE", "a.mp4")


def test_dfdc_reads_which_people_are_rendered(tmp_path: Path) -> None:
    dfdc(tmp_path, {"a.mp4": {**entry("REAL"), "synthetic": True}, "b.mp4": entry("REAL")})
    assert [video.synthetic for video in read_layout(tmp_path, "dfdc")] == [True, False]


def test_dfdc_takes_an_original_that_is_not_in_the_folder(tmp_path: Path) -> None:
    dfdc(tmp_path, {"b.mp4": entry("FAKE", "gone.mp4")})
    assert read_layout(tmp_path, "dfdc")[0].source == "gone.mp4"


def test_dfdc_keeps_equal_names_in_two_parts_apart(tmp_path: Path) -> None:
    for part in ("part_0", "part_1"):
        dfdc(tmp_path / part, {"a.mp4": entry("REAL"), "b.mp4": entry("FAKE", "a.mp4")})
    videos = {video.video: video.source for video in read_layout(tmp_path, "dfdc")}
    assert videos == {
        "part_0/a.mp4": None,
        "part_0/b.mp4": "part_0/a.mp4",
        "part_1/a.mp4": None,
        "part_1/b.mp4": "part_1/a.mp4",
    }


def test_dfdc_finds_an_original_in_another_part(tmp_path: Path) -> None:
    dfdc(tmp_path / "part_0", {"a.mp4": entry("REAL")})
    dfdc(tmp_path / "part_1", {"b.mp4": entry("FAKE", "a.mp4")})
    assert read_layout(tmp_path, "dfdc")[1].source == "part_0/a.mp4"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("{not json", "not valid JSON"),
        ("[1]", "must map file names"),
        ({"a.mp4": entry("MAYBE")}, "'MAYBE'"),
        ({"a.mp4": entry(None)}, "None"),
        ({"a.mp4": 3}, "must be 'REAL' or 'FAKE'"),
        ({"a.mp4": entry("FAKE", 7)}, "'original'"),
        ({"a.mp4": {**entry("REAL"), "synthetic": "yes"}}, "'synthetic' of 'a.mp4'"),
        ({"../a.mp4": entry("REAL")}, "'../a.mp4'"),
        ({"..": entry("REAL")}, "plain file name"),
        ({"x\\a.mp4": entry("REAL")}, "plain file name"),
    ],
)
def test_dfdc_refuses_wrong_metadata_by_name(tmp_path: Path, table: object, said: str) -> None:
    dfdc(tmp_path, table)
    with pytest.raises(DatasetError) as caught:
        read_layout(tmp_path, "dfdc")
    assert said in str(caught.value)
    assert str(tmp_path / "metadata.json") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_dfdc_names_the_first_video_that_does_not_exist(tmp_path: Path) -> None:
    dfdc(tmp_path, {"a.mp4": entry("REAL"), "b.mp4": entry("FAKE")})
    (tmp_path / "b.mp4").unlink()
    with pytest.raises(DatasetError, match=r"1 of 2 videos .* 'b\.mp4'"):
        read_layout(tmp_path, "dfdc")


def test_dfdc_without_metadata_points_to_the_other_layout(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="layout: folder"):
        read_layout(tmp_path, "dfdc")


@pytest.mark.skipif(not DFDC_LABELS.is_file(), reason="the DFDC labels are not here")
def test_always_fake_is_right_for_four_clips_in_five_of_the_kaggle_sample(tmp_path: Path) -> None:
    dfdc(tmp_path, json.loads(DFDC_LABELS.read_text()))
    videos = read_layout(tmp_path, "dfdc")
    labels = Counter(video.label for video in videos)
    assert len(videos) == 400
    assert labels["FAKE"] / len(videos) == 0.8075
    assert len({video.source for video in videos if video.source}) == 209
    assert {video.part for video in videos} == {None}


@pytest.mark.parametrize(("count", "together"), [(9, False), (10, True)])
def test_dfdc_keeps_the_people_of_a_part_together_where_parts_are_many(
    tmp_path: Path, count: int, together: bool
) -> None:
    for number in range(count):
        part = tmp_path / f"dfdc_train_part_{number:02}"
        dfdc(part, {"a.mp4": entry("REAL"), "b.mp4": entry("REAL")})
    videos = read_layout(tmp_path, "dfdc")
    assert {each.person for each in videos} == (
        {f"dfdc_train_part_{number:02}" for number in range(count)} if together else {None}
    )
