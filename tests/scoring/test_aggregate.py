import pandas as pd
import pytest

from dfd.scoring.aggregate import track_scores, video_scores
from dfd.scoring.decision import Calibration

CROPS = pd.DataFrame(
    [("v", 0, 0.1), ("v", 0, 0.5), ("v", 1, 0.9), ("v", 1, 0.5), ("w", 0, 0.5)],
    columns=["video", "track", "score"],
).assign(label="FAKE", group="g")


def test_a_video_scores_as_its_most_suspicious_track() -> None:
    assert track_scores(CROPS)["score"].tolist() == pytest.approx([0.25, 0.75, 0.5])
    videos = video_scores(CROPS)
    assert videos["video"].tolist() == ["v", "w"]
    assert videos["score"].tolist() == pytest.approx([0.75, 0.5])
    assert videos["crops"].tolist() == [4, 1]


def test_one_crop_of_a_saturated_network_does_not_outweigh_the_rest() -> None:
    scores = [1.0] + [0.2] * 15
    crops = pd.DataFrame({"video": "v", "track": 0, "label": "REAL", "group": "g", "score": scores})
    assert video_scores(crops)["score"][0] < 0.5


def test_calibrated_crops_aggregate_to_the_calibrated_video() -> None:
    calibration = Calibration(temperature=2.0, bias=-0.7)
    calibrated = CROPS.assign(score=calibration.apply(CROPS["score"]))
    before, after = video_scores(calibrated)["score"], video_scores(CROPS)["score"]
    assert before.tolist() == pytest.approx(calibration.apply(after).tolist())
