import cv2
import numpy as np
import pandas as pd
import pytest

from dfd.evaluate.baselines import STATISTICS, baseline_scores, image_statistics
from dfd.scoring.metrics import auc

RNG = np.random.default_rng(0)


def test_image_statistics_see_what_their_names_say() -> None:
    image = RNG.integers(60, 200, (64, 64, 3), dtype=np.uint8)
    plain = dict(zip(STATISTICS, image_statistics(image), strict=True))
    blurred = dict(zip(STATISTICS, image_statistics(cv2.blur(image, (5, 5))), strict=True))
    darker = dict(zip(STATISTICS, image_statistics(image // 2), strict=True))
    red = dict(zip(STATISTICS, image_statistics(image * np.uint8([1, 0, 0])), strict=True))
    assert blurred["log_sharpness"] < plain["log_sharpness"]
    assert darker["brightness"] == pytest.approx(plain["brightness"] / 2, rel=0.02)
    assert darker["contrast"] < plain["contrast"]
    assert red["mean_green_red"] > plain["mean_green_red"] + 20


def videos(count: int) -> pd.DataFrame:
    names = [f"{n}" for n in range(count)]
    return pd.DataFrame({"video": names, "label": ["REAL", "FAKE"] * (count // 2)})


def test_a_shortcut_in_the_features_is_learnt_on_training_videos_and_seen_on_test_ones() -> None:
    table = videos(80)
    fps = np.where(table["label"] == "REAL", 24.0, 25.0) + 0.1 * RNG.normal(size=80)
    feature = pd.DataFrame({"fps": fps, "size": np.nan}, index=table["video"])
    scores = baseline_scores(table[:40], table[40:], {"metadata": feature})
    assert set(scores) == {"majority", "metadata"}
    assert scores["majority"].tolist() == [0.5] * 40
    assert auc(table["label"][40:], scores["metadata"]) == 1.0


def test_training_labels_alone_decide() -> None:
    table = videos(40)
    feature = pd.DataFrame({"x": RNG.normal(size=40)}, index=table["video"])
    poisoned = table[20:].assign(label="nonsense")
    honest = baseline_scores(table[:20], table[20:], {"metadata": feature})
    assert baseline_scores(table[:20], poisoned, {"metadata": feature})["metadata"].equals(
        honest["metadata"]
    )


def test_a_baseline_that_cannot_be_fitted_is_left_out() -> None:
    table = videos(8)
    empty = pd.DataFrame({"x": np.nan}, index=table["video"])
    one_class = table[table["label"] == "REAL"]
    full = pd.DataFrame({"x": 1.0}, index=table["video"])
    assert set(baseline_scores(table, table, {"metadata": empty})) == {"majority"}
    assert set(baseline_scores(one_class, table, {"metadata": full})) == {"majority"}
