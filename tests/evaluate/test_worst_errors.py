import numpy as np
import pandas as pd

from dfd.evaluate.worst_errors import CROPS_OF_A_VIDEO, MAX_VIDEOS, worst_errors, worst_figure

SCORES = {"mild": ("FAKE", 0.4), "worst": ("FAKE", 0.01), "real": ("REAL", 0.9)}


def scored(
    known: dict[str, tuple[str, float]], crops: int = 5
) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [(name, label, "swap", score) for name, (label, score) in known.items()]
    videos = pd.DataFrame(rows, columns=["video", "label", "method", "score"])
    table = videos.loc[videos.index.repeat(crops), ["video", "label", "score"]]
    table = table.assign(frame=list(range(crops)) * len(videos), track=0)
    shift = np.linspace(-0.009, 0.009, crops).tolist() * len(videos)
    return videos, table.assign(score=table["score"] + shift)


def test_the_worst_are_first_and_rightly_called_ones_are_not_there() -> None:
    right = {"fine": ("FAKE", 0.95), "good": ("REAL", 0.1)}
    worst = worst_errors(*scored(SCORES | right), 0.5)
    assert worst["video"].drop_duplicates().tolist() == ["worst", "real", "mild"]
    assert worst.groupby("video").size().eq(CROPS_OF_A_VIDEO).all()
    assert worst.loc[0, "score"] == 0.01, "the video's"


def test_the_crops_are_those_that_misled_most() -> None:
    worst = worst_errors(*scored(SCORES), 0.5).set_index("video")
    assert worst.loc["worst", "frame"].tolist() == [0, 1, 2], "the least suspicious of a fake"
    assert worst.loc["real", "frame"].tolist() == [4, 3, 2], "the most suspicious of a real one"


def test_a_dozen_at_the_most_also_where_scores_are_saturated() -> None:
    many = {f"v{n:02}": ("REAL", 1 - 0.0001 * (30 - n)) for n in range(30)}
    videos, crops = scored(many, crops=1)
    worst = worst_errors(videos, crops.assign(score=0.9), 0.5)
    assert worst["video"].tolist() == [f"v{29 - n}" for n in range(MAX_VIDEOS)]


def test_a_score_at_the_threshold_is_a_wrong_call_of_a_real_video_alone() -> None:
    edge = {"fake": ("FAKE", 0.5), "real": ("REAL", 0.5)}
    assert worst_errors(*scored(edge), 0.5)["video"].unique().tolist() == ["real"]


def test_the_sheet_shows_label_score_and_method_in_the_order_of_the_errors() -> None:
    worst = worst_errors(*scored(SCORES), 0.5)
    shades = np.arange(len(worst), dtype=np.uint8)
    images = np.broadcast_to(shades[:, None, None, None], (len(worst), 8, 8, 3))
    figure = worst_figure(worst, images, "small")
    found = [text.get_text() for text in figure.texts]
    assert found[1:] == [
        *("1. worst", "is FAKE, swap; score 0.010"),
        *("2. real", "is REAL, swap; score 0.900"),
        *("3. mild", "is FAKE, swap; score 0.400"),
    ]
    shown = [int(np.asarray(axes.images[0].get_array()).max()) for axes in figure.axes]
    assert shown == shades.tolist()


def test_a_sheet_without_an_error_says_so() -> None:
    worst = worst_errors(*scored({"good": ("REAL", 0.1)}), 0.5)
    figure = worst_figure(worst, np.empty((0, 1, 1, 3), np.uint8), "small")
    assert any("No test video" in text.get_text() for text in figure.texts)
