import json
from pathlib import Path

import pytest

from dfd.dataset.layouts import read_layout, recognise_layout
from dfd.errors import DatasetError
from tests.dataset.layouts.trees import plant

LAYOUT = "faceforensics-c23"
YOUTUBE = "original_sequences/youtube/c23/videos"
ACTORS = "original_sequences/actors/c23/videos"
FORGED = "manipulated_sequences/{}/c23/videos"
PAIRS = {"train": [["000", "003"]], "val": [["010", "011"]], "test": [["020", "021"]]}


def tree(folder: Path) -> Path:
    for one, other in (pair for pairs in PAIRS.values() for pair in pairs):
        plant(folder, f"{YOUTUBE}/{one}.mp4", f"{YOUTUBE}/{other}.mp4")
        for method in ("Deepfakes", "NeuralTextures"):
            below = FORGED.format(method)
            plant(folder, f"{below}/{one}_{other}.mp4", f"{below}/{other}_{one}.mp4")
    return folder


def write_lists(folder: Path, **lists: object) -> None:
    folder.mkdir(exist_ok=True)
    for name, pairs in lists.items():
        (folder / f"{name}.json").write_text(json.dumps(pairs))


def test_a_forgery_knows_its_target_its_source_and_its_method(tmp_path: Path) -> None:
    videos = {video.video: video for video in read_layout(tree(tmp_path), LAYOUT)}
    assert len(videos) == 18
    fake = videos[f"{FORGED.format('Deepfakes')}/000_003.mp4"]
    assert (fake.label, fake.method) == ("FAKE", "Deepfakes")
    assert (fake.source, fake.donor) == (f"{YOUTUBE}/000.mp4", f"{YOUTUBE}/003.mp4")
    assert fake.source in videos
    assert fake.donor in videos
    assert videos[fake.source].label == "REAL"
    assert {video.part for video in videos.values()} == {None}  # no lists, no parts


@pytest.mark.parametrize("where", ["splits", "."])
def test_the_authors_lists_give_the_part_of_every_video(tmp_path: Path, where: str) -> None:
    write_lists(tree(tmp_path) / where, **PAIRS)
    parts = {video.video: video.part for video in read_layout(tmp_path, LAYOUT)}
    assert parts[f"{YOUTUBE}/003.mp4"] == "train"
    assert parts[f"{FORGED.format('Deepfakes')}/011_010.mp4"] == "validation"
    assert parts[f"{FORGED.format('NeuralTextures')}/020_021.mp4"] == "test"
    assert None not in parts.values()


def test_only_the_chosen_compression_is_read(tmp_path: Path) -> None:
    plant(tree(tmp_path), "manipulated_sequences/Deepfakes/c40/videos/000_003.mp4")
    plant(tmp_path, "original_sequences/youtube/c40/videos/000.mp4")
    assert len(read_layout(tmp_path, LAYOUT)) == 18
    assert len(read_layout(tmp_path, "faceforensics-c40")) == 2
    with pytest.raises(DatasetError, match=r"no forgery at compression raw \(there are c23, c40\)"):
        read_layout(tmp_path, "faceforensics-raw")


def test_deepfakedetection_is_grouped_by_the_actor_seen(tmp_path: Path) -> None:
    plant(tmp_path, f"{ACTORS}/28__talking_angry_couch.mp4", f"{ACTORS}/04__exit_phone_room.mp4")
    below = FORGED.format("DeepFakeDetection")
    plant(tmp_path, f"{below}/28_04__talking_angry_couch__0XUW13RW.mp4")
    fake, other, real = read_layout(tmp_path, LAYOUT)
    assert fake.source == real.video
    assert fake.method == "DeepFakeDetection"
    assert (fake.person, other.person, real.person) == ("actor 28", "actor 04", "actor 28")


@pytest.mark.parametrize("name", [f"{FORGED.format('FaceSwap')}/000.mp4", f"{ACTORS}/couch.mp4"])
def test_a_name_that_does_not_fit_is_named(tmp_path: Path, name: str) -> None:
    plant(tree(tmp_path), name)
    with pytest.raises(DatasetError, match=f"{Path(name).name}: is "):
        read_layout(tmp_path, LAYOUT)


def test_lists_are_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    write_lists(tree(tmp_path) / "splits", train=PAIRS["train"], test=PAIRS["test"])
    with pytest.raises(DatasetError, match=r"splits/val\.json: is missing, while train\.json"):
        read_layout(tmp_path, LAYOUT)


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ({"val": [["010", "777"], ["778", "011"]]}, r"val\.json: 2 of 4 .* first is '777'"),
        ({"val": [["000", "011"]]}, r"val\.json: names '000', .* the part 'train'"),
        ({"test": {"020": "021"}}, r"test\.json: must be a list of pairs"),
        ({"test": [["020"]]}, r"test\.json: must be a list of pairs"),
        ({"test": [[20, 21]]}, r"test\.json: must be a list of pairs"),
    ],
)
def test_wrong_lists_are_refused(tmp_path: Path, lists: dict[str, object], said: str) -> None:
    write_lists(tree(tmp_path), **PAIRS | lists)
    with pytest.raises(DatasetError, match=said):
        read_layout(tmp_path, LAYOUT)


def test_a_list_that_is_no_text_is_refused(tmp_path: Path) -> None:
    write_lists(tree(tmp_path), **PAIRS)
    (tmp_path / "val.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match=r"val\.json: is no UTF-8"):
        read_layout(tmp_path, LAYOUT)


def test_frames_of_deepfakebench_are_the_videos_that_they_are_from(tmp_path: Path) -> None:
    for video in (
        *("original_sequences/youtube/c23/frames/000", "original_sequences/youtube/c23/frames/003"),
        "manipulated_sequences/Deepfakes/c23/frames/000_003",
    ):
        plant(tmp_path, f"{video}/000.png", f"{video}/012.png")
    plant(tmp_path, "manipulated_sequences/Deepfakes/c23/masks/000_003/000.png")
    assert recognise_layout(tmp_path) == "faceforensics-c23"
    fake, first, second = read_layout(tmp_path, "faceforensics-c23")
    assert (fake.video, fake.method) == (
        "manipulated_sequences/Deepfakes/c23/frames/000_003",
        "Deepfakes",
    )
    assert (fake.source, fake.donor) == (first.video, second.video)
    assert (first.label, first.path.name) == ("REAL", "000")
