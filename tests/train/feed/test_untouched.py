import cv2
import numpy as np
import pandas as pd

from dfd.compress import h264
from dfd.train.feed.crops import Crops
from dfd.train.feed.untouched import without_untouched

SIDE = 96
TIMES = np.arange(6) / 5


def portrait(seed: int, moment: int) -> np.ndarray:
    """Return a face-like picture, uint8 RGB: shapes of one person, who moves a little."""
    rng = np.random.default_rng(seed)
    image = np.full((SIDE, SIDE, 3), rng.integers(60, 200, 3), np.uint8)
    for _ in range(25):
        centre = (rng.integers(0, SIDE, 2) + moment).tolist()
        axes = rng.integers(4, 24, 2).tolist()
        colour = rng.integers(0, 255, 3).tolist()
        cv2.ellipse(image, centre, axes, int(rng.integers(180)), 0, 360, colour, -1, cv2.LINE_AA)
    return cv2.GaussianBlur(image, (0, 0), 1.2)


def forged(face: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return a face whose inner part is replaced by that of another one."""
    mask = np.zeros((SIDE, SIDE, 1), np.float32)
    cv2.ellipse(mask, (SIDE // 2, SIDE // 2), (26, 34), 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 4)[..., None]
    return np.uint8(face * (1 - mask) + other * mask)


def clip(name: str, forged_tracks: tuple[int, ...]) -> tuple[np.ndarray, pd.DataFrame]:
    """Return the crops of a video of two people, compressed, and their table."""
    images, rows = [], []
    for moment, time_s in enumerate(TIMES):
        for track in (0, 1):
            face = portrait(track, moment)
            if track in forged_tracks:
                face = forged(face, portrait(9, moment))
            images.append(face)
            left = 200.0 * track
            box = {"x1": left, "y1": 0.0, "x2": left + 80, "y2": 80.0}
            rows.append({"video": name, "track": track, "time_s": time_s, **box})
    table = pd.DataFrame(rows).assign(
        label="FAKE" if name != "real" else "REAL", source=None if name == "real" else "real"
    )
    return h264(np.stack(images), 23 if name == "real" else 30), table


def crops_of(**videos: tuple[int, ...]) -> Crops:
    images, tables = zip(*(clip(*video) for video in videos.items()), strict=True)
    table = pd.concat(tables, ignore_index=True).assign(group="g")
    return Crops(
        np.concatenate(images),
        np.arange(len(table)),
        np.zeros((len(table), 5, 2), np.float32),
        table,
    )


def test_a_person_who_was_not_forged_is_not_taught_as_fake() -> None:
    crops = crops_of(real=(), one=(1,), both=(0, 1), none=())
    kept, people = without_untouched(crops)
    assert people == 1
    tracks = kept.table.groupby("video")["track"].unique().map(list).to_dict()
    assert tracks == {"real": [0, 1], "one": [1], "both": [0, 1], "none": [0, 1]}
    np.testing.assert_array_equal(kept.rows, np.delete(crops.rows, np.arange(12, 24, 2)))
    assert len(kept.landmarks) == len(kept)


def test_without_the_source_nobody_is_left_out() -> None:
    crops = crops_of(one=(1,))
    kept, people = without_untouched(crops)
    assert (len(kept), people) == (len(crops), 0)


def test_a_person_elsewhere_or_at_another_time_proves_nothing() -> None:
    crops = crops_of(real=(), one=(1,))
    for column, change in (("time_s", 0.05), ("x1", 60.0)):
        table = crops.table.copy()
        moved = table["video"] == "real"
        for name in (column, "x2") if column == "x1" else (column,):
            table.loc[moved, name] += change
        _, people = without_untouched(Crops(crops.images, crops.rows, crops.landmarks, table))
        assert people == 0
