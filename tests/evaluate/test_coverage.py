import pandas as pd
import pytest

from dfd.evaluate.coverage import coverage_of, risk_coverage

VIDEOS = pd.DataFrame(
    {"label": ["REAL", "FAKE", "FAKE", "REAL"], "score": [0.1, 0.9, 0.4, 0.45]}
).assign(verdict=["REAL", "FAKE", "REAL", "INCONCLUSIVE"])


def test_coverage_counts_every_video_and_errors_only_of_verdicts() -> None:
    counted = coverage_of(VIDEOS, 5)
    assert (counted.without_face, counted.inconclusive) == (1, 1)
    assert counted.coverage == pytest.approx(3 / 5)
    assert counted.error == pytest.approx(1 / 3)
    assert coverage_of(VIDEOS[3:], 1).error is None


def test_the_surest_get_their_verdicts_first_and_equals_together() -> None:
    curve = risk_coverage(VIDEOS, 0.5, 5)
    assert curve["coverage"].tolist() == pytest.approx([2 / 5, 3 / 5, 4 / 5])
    assert curve["risk"].tolist() == pytest.approx([0, 1 / 3, 1 / 4])
