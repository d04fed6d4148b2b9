import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dfd.faces.face import Face
from dfd.faces.record import Crop
from dfd.scan.evidence import odds_interval, weigh
from dfd.scoring.aggregate import track_scores, video_scores
from dfd.scoring.decision import Calibration

CALIBRATION = Calibration(temperature=1.7, bias=-0.4)


def crop_of(frame: int, track: int) -> Crop:
    face = Face((10.0 * track, 0.0, 10.0 * track + 50, 60.0), ((0.0, 0.0),) * 5, 0.9)
    return Crop(frame, frame / 25, track, face, 1.0, b"")


CROPS = [crop_of(frame, track) for frame in range(9) for track in range(3) if (frame + track) % 4]
SCORES = np.random.default_rng(2).random(len(CROPS)) ** 3


def test_an_evaluation_gives_the_same_video_the_same_scores() -> None:
    evidence = weigh(CROPS, SCORES, CALIBRATION)
    table = pd.DataFrame({"video": "v", "track": [crop.track for crop in CROPS], "score": SCORES})
    table = table.assign(label="", group="")
    video = CALIBRATION.apply(video_scores(table)["score"])
    tracks = CALIBRATION.apply(track_scores(table)["score"])
    assert evidence.probability == pytest.approx(video[0], abs=1e-12)
    assert [track.score for track in evidence.tracks] == pytest.approx(tracks, abs=1e-12)
    frames = {(f.frame, track.track): f for track in evidence.tracks for f in track.frames}
    for crop, score in zip(CROPS, CALIBRATION.apply(SCORES), strict=True):
        assert frames[crop.frame, crop.track].score == pytest.approx(score)
        assert frames[crop.frame, crop.track].box == crop.face.box


def test_a_frame_scores_as_its_most_suspicious_face() -> None:
    evidence = weigh(CROPS, SCORES, CALIBRATION)
    calibrated = CALIBRATION.apply(SCORES)
    table = pd.DataFrame({"frame": [crop.frame for crop in CROPS], "score": calibrated})
    assert [frame.score for frame in evidence.frames] == pytest.approx(
        table.groupby("frame")["score"].max()
    )
    assert [frame.frame for frame in evidence.frames] == sorted(set(table["frame"]))


def test_the_interval_is_that_of_the_track_that_decides() -> None:
    certain = np.where([crop.track == 1 for crop in CROPS], 0.95, SCORES)
    evidence = weigh(CROPS, certain, CALIBRATION)
    assert evidence.probability == evidence.tracks[1].score == max(t.score for t in evidence.tracks)
    assert evidence.deciding_crops == sum(crop.track == 1 for crop in CROPS)
    assert evidence.interval == pytest.approx((evidence.probability, evidence.probability))
    low, high = weigh(CROPS, SCORES, CALIBRATION).interval
    assert 0 < low < weigh(CROPS, SCORES, CALIBRATION).probability < high < 1


@pytest.mark.parametrize("count", [2, 3, 8, 16, 31, 32, 50, 64, 300])
def test_the_interval_is_that_of_students_t(count: int) -> None:
    odds = np.random.default_rng(count).normal(1, 2, count)
    wanted = stats.t.interval(0.95, count - 1, odds.mean(), stats.sem(odds))
    assert odds_interval(odds, odds.mean()) == pytest.approx(wanted, rel=1e-3, abs=1e-3)


def test_one_crop_has_no_interval() -> None:
    assert odds_interval(np.array([1.0]), 1.0) is None
    assert weigh(CROPS[:1], SCORES[:1], CALIBRATION).interval is None
