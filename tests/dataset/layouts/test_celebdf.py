from pathlib import Path

import pytest

from dfd.dataset.layouts import read_layout
from dfd.errors import DatasetError
from tests.dataset.layouts.trees import plant

LIST = "List_of_testing_videos.txt"


def tree(folder: Path, *test: str) -> Path:
    for person in range(3):
        plant(folder, f"Celeb-real/id{person}_0000.mp4", f"Celeb-real/id{person}_0001.mp4")
        plant(folder, f"Celeb-synthesis/id{person}_id{(person + 1) % 3}_0001.mp4")
    plant(folder, "YouTube-real/00000.mp4", "YouTube-real/00170.mp4")
    if test:
        (folder / LIST).write_text("\n".join(test) + "\n")
    return folder


def test_a_forgery_belongs_to_the_celebrity_whose_video_it_was(tmp_path: Path) -> None:
    videos = {video.video: video for video in read_layout(tree(tmp_path), "celebdf")}
    fake = videos["Celeb-synthesis/id1_id2_0001.mp4"]
    assert (fake.label, fake.person, fake.source) == ("FAKE", "id1", "Celeb-real/id1_0001.mp4")
    assert fake.donor is None
    assert fake.source in videos
    assert videos["Celeb-real/id1_0000.mp4"].person == "id1"
    assert videos["YouTube-real/00000.mp4"].person is None
    assert {video.part for video in videos.values()} == {None}


def test_the_list_names_the_test_part(tmp_path: Path) -> None:
    tree(tmp_path, "1 YouTube-real/00170.mp4", "0 Celeb-synthesis/id0_id1_0001.mp4")
    parts = {video.video: video.part for video in read_layout(tmp_path, "celebdf")}
    assert sorted(video for video, part in parts.items() if part == "test") == [
        "Celeb-synthesis/id0_id1_0001.mp4",
        "YouTube-real/00170.mp4",
    ]
    assert parts["Celeb-real/id0_0000.mp4"] == "train"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1 YouTube-real/00999.mp4", r"1 of 2 videos .* first is 'YouTube-real/00999\.mp4'"),
        ("1 Celeb-synthesis/id0_id1_0001.mp4", "calls .* REAL, its folder says FAKE"),
        ("YouTube-real/00170.mp4", "is not like '1 YouTube-real"),
    ],
)
def test_a_wrong_list_is_refused(tmp_path: Path, line: str, said: str) -> None:
    tree(tmp_path, "1 YouTube-real/00000.mp4", line)
    with pytest.raises(DatasetError, match=said) as caught:
        read_layout(tmp_path, "celebdf")
    assert str(tmp_path / LIST) in str(caught.value)


@pytest.mark.parametrize("name", ["Celeb-synthesis/id0_0000.mp4", "Celeb-real/id0_id1_0000.mp4"])
def test_a_name_that_does_not_fit_is_named(tmp_path: Path, name: str) -> None:
    plant(tree(tmp_path), name)
    with pytest.raises(DatasetError, match=f"{Path(name).name}: is not named like"):
        read_layout(tmp_path, "celebdf")


def test_frames_of_deepfakebench_are_the_videos_that_they_are_from(tmp_path: Path) -> None:
    for video in ("Celeb-real/frames/id0_0001", "Celeb-synthesis/frames/id0_id1_0001"):
        plant(tmp_path, f"{video}/000.png", f"{video}/010.png")
    plant(tmp_path, "Celeb-real/landmarks/id0_0001/000.npy")
    (tmp_path / LIST).write_text("0 Celeb-synthesis/id0_id1_0001.mp4\n")
    real, fake = read_layout(tmp_path, "celebdf")
    assert (real.video, real.label, real.part) == ("Celeb-real/frames/id0_0001", "REAL", "train")
    assert (fake.label, fake.source, fake.part) == ("FAKE", real.video, "test")
    assert fake.person == real.person == "id0"


def test_celeb_df_plus_plus_names_its_methods_by_folders(tmp_path: Path) -> None:
    synthesis = "Celeb-synthesis"
    plant(
        tree(tmp_path),
        f"{synthesis}/FaceSwap/GHOST/id0_id1_0001.mp4",
        f"{synthesis}/TalkingFace/FLOAT/id2_with_audio_7.mp4",
    )
    videos = {video.video: video for video in read_layout(tmp_path, "celebdf")}
    swap = videos[f"{synthesis}/FaceSwap/GHOST/id0_id1_0001.mp4"]
    assert (swap.method, swap.person, swap.source) == ("GHOST", "id0", "Celeb-real/id0_0001.mp4")
    talking = videos[f"{synthesis}/TalkingFace/FLOAT/id2_with_audio_7.mp4"]
    assert (talking.method, talking.person, talking.source) == ("FLOAT", "id2", None)
    assert videos[f"{synthesis}/id1_id2_0001.mp4"].method is None
