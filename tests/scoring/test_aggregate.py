import numpy as np
import pandas as pd
import pytest

from dfd.scoring.aggregate import (
    log_odds,
    precise_scores,
    probability,
    softly_limited,
    track_odds,
    track_scores,
    video_scores,
)
from dfd.scoring.decision import Calibration

CROPS = pd.DataFrame(
    [
        *[("v", 0, 0.1), ("v", 0, 0.5)] * 4,
        *[("v", 1, 0.9), ("v", 1, 0.5)] * 4,
        *[("w", 0, 0.5), ("x", 3, 0.1), ("x", 7, 0.8)],
    ],
    columns=["video", "track", "score"],
).assign(label="FAKE", group="g")


def test_a_video_scores_as_its_most_suspicious_track_which_all_its_crops_moderate() -> None:
    tracks = track_scores(CROPS)
    assert tracks["crops"].tolist() == [8, 8, 1, 1, 1]
    assert tracks["decides"].tolist() == [False, True, True, False, True]
    of_track, weight = np.log(3), 8 / 12
    assert log_odds(tracks["score"][:3]).tolist() == pytest.approx(
        [-of_track * weight, of_track * weight, 0]
    )
    videos = video_scores(CROPS)
    assert videos["video"].tolist() == ["v", "w", "x"]
    assert videos["score"].tolist() == tracks["score"][tracks["decides"]].tolist()
    assert videos["crops"].tolist() == [16, 1, 2]
    assert videos["deciding_crops"].tolist() == [8, 1, 1]


def test_a_face_seen_less_than_four_times_does_not_decide_beside_one_seen_more_often() -> None:
    def deciding(crops: int) -> int:
        odds = np.array([-1.0] * 4 + [6.0] * crops)
        tracks = track_odds(odds, np.zeros(4 + crops, int), np.array([0] * 4 + [1] * crops))
        return int(tracks.track[tracks.decides][0])

    assert [deciding(crops) for crops in (1, 3, 4, 16)] == [0, 0, 1, 1]


def test_a_second_face_hardly_raises_the_false_alarms() -> None:
    """Faces differ as much as the crops of a face; 5 % of one face with 16 crops are alarms."""
    rng = np.random.default_rng(0)
    videos = 4000

    def odds_of(crops: int) -> np.ndarray:
        return rng.normal(-2, 1, (videos, 1)) + rng.normal(0, 1, (videos, crops))

    main = odds_of(16)
    alarm = np.quantile(main.mean(axis=1), 0.95)
    for crops in (1, 3, 4, 8):
        second = odds_of(crops)
        odds = np.hstack([main, second])
        tracks = track_odds(
            odds.ravel(),
            np.repeat(np.arange(videos), 16 + crops),
            np.tile([0] * 16 + [1] * crops, videos),
        )
        highest = np.maximum(main.mean(axis=1), second.mean(axis=1))
        assert np.mean(highest > alarm) > 0.09
        assert np.mean(tracks.odds[tracks.decides] > alarm) < 0.07


def test_one_crop_of_a_saturated_network_does_not_outweigh_the_rest() -> None:
    for odds in (7.0, 30.0):
        scores = [float(probability(odds))] + [0.2] * 15
        crops = pd.DataFrame(
            {"video": "v", "track": 0, "label": "REAL", "group": "g"} | {"score": scores}
        )
        assert video_scores(crops)["score"][0] < 0.5


def test_videos_of_a_saturated_network_keep_their_order() -> None:
    odds = np.arange(8.0, 32.0)
    shares = probability(-odds)
    network = np.stack([shares, 1 - shares], axis=1).astype(np.float32)
    assert len(np.unique(network[:, 1])) < 12, "float32 alone lets most of them tie"
    scores = precise_scores(network)
    assert log_odds(scores) == pytest.approx(odds, abs=0.01)
    names = [f"{number:02d}" for number in range(len(odds))]
    crops = pd.DataFrame({"video": names, "track": 0, "label": "FAKE", "group": "g"})
    assert (np.diff(video_scores(crops.assign(score=scores))["score"]) > 0).all()
    assert softly_limited(-odds).tolist() == (-softly_limited(odds)).tolist()


def test_calibrated_crops_aggregate_to_the_calibrated_video() -> None:
    calibration = Calibration(temperature=2.0, bias=-0.7)
    calibrated = CROPS.assign(score=calibration.apply(CROPS["score"]))
    before, after = video_scores(calibrated)["score"], video_scores(CROPS)["score"]
    assert before.tolist() == pytest.approx(calibration.apply(after).tolist())
