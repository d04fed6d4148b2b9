import json

import pandas as pd
import pytest

from dfd.errors import EvaluationError
from dfd.evaluate.evaluation import as_record, evaluate
from dfd.params import EvaluateParams

PARAMS = EvaluateParams(bootstrap=100, seed=1)


def crops() -> pd.DataFrame:
    rows = [
        (f"v{number}", frame, 0, "FAKE" if number % 3 else "REAL", f"g{number // 3}", score)
        for number in range(12)
        for frame, score in enumerate([0.2, 0.3] if number % 3 == 0 else [0.6, 0.9])
    ]
    return pd.DataFrame(rows, columns=["video", "frame", "track", "label", "group", "score"])


def test_a_video_without_a_face_is_counted_and_not_scored() -> None:
    evaluation = evaluate(crops(), 14, 0.8, 0.5, PARAMS)
    assert (evaluation.videos, evaluation.without_face, evaluation.video.n) == (14, 2, 12)
    assert evaluation.frame.n == 24
    assert evaluation.video.auc == 1.0


def test_the_majority_baseline_stands_beside_the_figures() -> None:
    record = as_record(evaluate(crops(), 12, 0.8, 0.5, PARAMS), threshold=0.5, leaky=False)
    assert record["majority"]["accuracy"] == pytest.approx(8 / 12)
    assert record["majority"]["balanced_accuracy"] == 0.5
    assert record["video"]["auc_low"] == record["video"]["auc_high"] == 1.0
    assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_the_threshold_is_the_one_given() -> None:
    assert evaluate(crops(), 12, 0.8, 0.95, PARAMS).video.tp == 0


def test_nothing_to_judge_is_an_error() -> None:
    with pytest.raises(EvaluationError, match=r"manifest\.parquet"):
        evaluate(crops().iloc[:0], 3, 0.8, 0.5, PARAMS)
