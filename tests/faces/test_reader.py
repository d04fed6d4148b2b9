from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from dfd.errors import FacesError
from dfd.faces.face import Face
from dfd.faces.reader import read_crops, read_crops_table
from dfd.faces.record import Crop, VideoFaces
from dfd.faces.shards import write_faces

RED = (30, 60, 200)  # BGR


def drawn_faces(shade: int) -> VideoFaces:
    """Three crops whose brightness tells video and frame."""
    face = Face((0, 0, 10, 10), ((1, 2),) * 5, 0.9)
    crops = []
    for frame in range(3):
        image = np.full((64, 64, 3), shade + 5 * frame, np.uint8)
        jpeg = cv2.imencode(".jpg", image)[1].tobytes()
        crops.append(Crop(frame, frame / 25, 0, face, 1.0, jpeg))
    return VideoFaces(3, 3, 3, 3, 3, 1, tuple(crops), None, "")


def write_drawn_faces(folder: Path) -> Path:
    """Write 18 such crops of six videos."""
    names = [f"part/{letter}.mp4" for letter in "abcdef"]
    videos = pd.DataFrame(
        {"video": names, "label": "REAL", "group": names, "method": None, "dataset": "drawn"}
    ).assign(synthetic=False)
    results = {name: drawn_faces(20 + 30 * number) for number, name in enumerate(names)}
    write_faces(folder, videos, results.__getitem__, shards=3)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_drawn_faces(tmp_path)


def shade_of(row: pd.Series) -> int:
    return 20 + 30 * "abcdef".index(row["video"][5]) + 5 * int(row["frame"])


def test_crops_come_in_the_order_of_the_rows(folder: Path) -> None:
    rows = read_crops_table(folder).sample(30, replace=True, random_state=2)
    images = read_crops(folder, rows)
    assert images.shape == (30, 64, 64, 3)
    assert images.dtype == np.uint8
    expected = rows.apply(shade_of, axis=1).to_numpy()
    assert images.mean(axis=(1, 2, 3)) == pytest.approx(expected, abs=1)


def test_colours_are_rgb(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", np.full((32, 32, 3), RED, np.uint8))[1].tobytes()
    crop = Crop(0, 0.0, 0, Face((0, 0, 10, 10), ((1, 2),) * 5, 0.9), 1.0, jpeg)
    videos = pd.DataFrame(
        {"video": ["a"], "label": ["REAL"], "group": ["a"], "method": [None], "dataset": ["drawn"]}
    ).assign(synthetic=False)
    faces = VideoFaces(1, 1, 1, 1, 1, 1, (crop,), None, "")
    write_faces(tmp_path, videos, lambda video: faces, shards=3)
    image = read_crops(tmp_path, read_crops_table(tmp_path))[0]
    assert image[16, 16] == pytest.approx(RED[::-1], abs=4)


def test_no_rows_are_a_mistake(folder: Path) -> None:
    with pytest.raises(FacesError, match="no crops"):
        read_crops(folder, read_crops_table(folder)[:0])


def test_a_missing_shard_or_member_is_named(folder: Path) -> None:
    rows = read_crops_table(folder)
    with pytest.raises(FacesError, match=r"holds no nobody\.jpg; run `dvc repro faces`"):
        read_crops(folder, rows.assign(member="nobody.jpg"))
    (folder / rows["shard"].iloc[0]).unlink()
    with pytest.raises(FacesError, match=rows["shard"].iloc[0]):
        read_crops(folder, rows)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
def test_a_shard_that_breaks_off_is_named(folder: Path, share: float) -> None:
    rows = read_crops_table(folder)
    shard = folder / rows["shard"].iloc[0]
    content = shard.read_bytes().rstrip(b"\0")
    shard.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FacesError, match=shard.name) as caught:
        read_crops(folder, rows)
    assert "\n" not in str(caught.value)


def test_a_crop_that_is_no_image_is_named(folder: Path) -> None:
    rows = read_crops_table(folder)
    shard = folder / rows["shard"].iloc[0]
    shard.write_bytes(shard.read_bytes().replace(b"\xff\xd8\xff", b"\0\0\0"))
    with pytest.raises(FacesError, match="is not the crop its table names"):
        read_crops(folder, rows)


def test_a_member_that_never_was_an_image_is_named(tmp_path: Path) -> None:
    crop = Crop(0, 0.0, 0, Face((0, 0, 10, 10), ((1, 2),) * 5, 0.9), 1.0, b"no image")
    videos = pd.DataFrame(
        {"video": ["a"], "label": ["REAL"], "group": ["a"], "method": [None], "dataset": ["drawn"]}
    ).assign(synthetic=False)
    faces = VideoFaces(1, 1, 1, 1, 1, 1, (crop,), None, "")
    write_faces(tmp_path, videos, lambda video: faces, shards=1)
    with pytest.raises(FacesError, match="is not an image"):
        read_crops(tmp_path, read_crops_table(tmp_path))
