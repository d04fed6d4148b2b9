import numpy as np
import pandas as pd

from dfd.faces.face import LANDMARKS
from dfd.train.feed.feed import crops_of_part


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
