import numpy as np
import pandas as pd
import pytest

from dfd.errors import TrainError
from dfd.faces.face import LANDMARKS
from dfd.train.feed.crops import Crops, crops_of_part
from tests.train.runs import part_of


def test_a_part_has_its_own_crops_rows_and_landmarks() -> None:
    images = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)
    table = pd.DataFrame({"video": list("abcdef"), "label": ["REAL", "FAKE"] * 3})
    table["part"] = ["train", "test", "train", "validation", "test", "train"]
    table[["x1", "y1", "x2", "y2"]] = 10.0, 10.0, 26.0, 26.0
    for name in LANDMARKS:
        table[[f"{name}_x", f"{name}_y"]] = 18.0, 14.0
    part = crops_of_part(images, table, "train", margin=0)
    assert part.table["video"].tolist() == ["a", "c", "f"]
    (pixels,) = part.chunks(8)
    assert pixels[:, 0, 0, 0].tolist() == [0, 2, 5]
    assert part.labels.tolist() == [0, 0, 1]
    np.testing.assert_allclose(part.landmarks, np.full((3, 5, 2), [4, 2]))


def test_a_part_without_a_class_is_named(crops) -> None:
    only_real = crops(videos=2, seed=0, fakes=0)
    with pytest.raises(TrainError, match=r"^validation part: no FAKE crops; add FAKE videos"):
        only_real.check("validation")
    only_real.check("train", ("REAL",))


def test_a_part_without_crops_is_named(crops) -> None:
    with pytest.raises(TrainError, match=r"^train part: no crops"):
        part_of(crops(videos=2, seed=0), []).check("train")


def test_the_hash_follows_rows_and_pixels(crops) -> None:
    some = crops(videos=2, seed=0)
    assert crops(videos=2, seed=0).sha256 == some.sha256
    changed = crops(videos=2, seed=0)
    changed.images[0, 0, 0, 0] ^= 1
    assert changed.sha256 != some.sha256
    renamed = Crops(some.images, some.rows, some.landmarks, some.table.assign(group="g"))
    assert renamed.sha256 != some.sha256
