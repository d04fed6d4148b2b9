import numpy as np
import pandas as pd

from dfd.evaluate.baselines import baseline_scores
from dfd.scoring.metrics import auc

RNG = np.random.default_rng(0)


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
