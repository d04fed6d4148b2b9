from typing import Any

import numpy as np
import pandas as pd
import pytest

from dfd.audit.shortcuts import check_canary, check_container
from dfd.dataset.table import container_features


def videos(groups: int = 40) -> pd.DataFrame:
    """Return groups of a REAL and two FAKE videos whose containers say nothing of the label."""
    rng = np.random.default_rng(0)
    count = 3 * groups
    return pd.DataFrame(
        {
            "video": [f"{number:03}" for number in range(count)],
            "label": ["REAL", "FAKE", "FAKE"] * groups,
            "group": [f"g{number // 3:03}" for number in range(count)],
            "bytes": rng.integers(10**5, 10**6, count),
            "duration": rng.choice([9.9, 10.0, 10.1], count),
            "width": 640,
            "height": 360,
            "fps": 25.0,
            "phash": [rng.bytes(32).hex() for _ in range(count)],
            "part": ["train", "train", "train", "test", "test", "test"] * (groups // 2),
        }
    ).astype({"width": "Int64", "height": "Int64"})


def test_sound_videos_pass() -> None:
    assert check_container(videos()).findings == ()
    assert check_canary(videos()).findings == ()


def half_of(real: Any, odd: Any, even: Any, index: pd.DataFrame) -> pd.Series:
    """Return ``odd`` for every second REAL video, ``even`` for all others."""
    return pd.Series(np.where(real & (index.index // 3 % 2 == 0), odd, even))


@pytest.mark.parametrize(("column", "odd", "even"), [("fps", 24.0, 25.0), ("width", 1280, 640)])
def test_what_only_reals_have_is_named(column: str, odd: float, even: float) -> None:
    index = videos()
    index[column] = half_of(index["label"] == "REAL", odd, even, index)
    (found,) = check_container(index).findings
    assert (found.kind, found.severity) == ("container_shortcut", "warning")
    assert f"best by itself: {column}, 0.7" in found.text


def test_a_band_of_bit_rates_is_found_too() -> None:
    index = videos()
    spread = np.random.default_rng(1).choice([0.2, 5.0], len(index))
    index["bytes"] = np.where(index["label"] == "FAKE", 500_000, 500_000 * spread).astype(int)
    (found,) = check_container(index).findings
    assert "best by itself: b" in found.text


def test_features_are_logarithms_and_missing_where_a_file_says_nothing() -> None:
    index = videos(2)
    index.loc[1, ["duration", "fps"]] = None
    index.loc[2, "duration"] = 0
    features = container_features(index)
    assert features.isna().all(axis=1).tolist() == [False, True, True, False, False, False]
    assert features.loc[0, "bit_rate"] == pytest.approx(
        np.log(index.loc[0, "bytes"] / index.loc[0, "duration"])
    )
    assert (features.dtypes == "float64").all()


def test_rooms_that_go_with_a_label_are_found() -> None:
    index = videos()
    rooms = {label: np.random.default_rng(n).bytes(28) for n, label in enumerate(("REAL", "FAKE"))}
    noise = np.random.default_rng(5)
    index["phash"] = [(rooms[label] + noise.bytes(4)).hex() for label in index["label"]]
    (found,) = check_canary(index).findings
    assert (found.kind, found.severity) == ("look_shortcut", "warning")


def test_a_fake_that_looks_like_its_source_is_no_shortcut() -> None:
    index = videos()
    index["phash"] = index.groupby("group")["phash"].transform("first")
    assert check_canary(index).findings == ()


def test_too_few_videos_are_not_judged() -> None:
    few = videos(6)
    assert check_container(few).summary is None
    assert "has 6 REAL" in str(check_container(few).omitted)
    assert "has 3 REAL" in str(check_canary(few).omitted)
    assert check_container(videos(20).assign(group="one")).summary is None
    assert check_container(videos().assign(duration=np.nan)).summary is None
    assert check_canary(videos().assign(phash=None)).summary is None
