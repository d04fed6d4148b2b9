from pathlib import Path

import pandas as pd

from dfd.dataset.seen import seen_groups
from dfd.video.pictures import read_pictures
from tests.data import SAMPLE
from tests.video.planted import images_of, plant


def row(path: Path, sha256: str) -> dict[str, str]:
    pictures = read_pictures(path, lambda image: [])
    hashes = {"frame_hashes": pictures.frames, "face_hashes": pictures.faces}
    return {"group": path.stem, "sha256": sha256, **hashes}


def test_another_compression_of_a_known_video_is_seen(tmp_path: Path) -> None:
    images = images_of(SAMPLE / "ajgbsfvojo.mp4")
    known = plant(tmp_path / "c23.mp4", images, "encoded again", crf=23)
    again = plant(tmp_path / "c40.mp4", images, "encoded again", crf=40)
    videos = pd.DataFrame([row(again, "2"), row(SAMPLE / "asxpfvxlov.mp4", "3")])
    assert seen_groups(videos, pd.DataFrame([row(known, "1")])) == {"c40"}


def test_tables_of_an_older_version_know_videos_by_their_files() -> None:
    videos = pd.DataFrame({"group": ["a", "b"], "sha256": ["1", "2"]})
    assert seen_groups(videos, pd.DataFrame({"sha256": ["2"]})) == {"b"}
