"""The worst errors: the videos furthest on the wrong side, and the crops that misled."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.special import logit

from dfd.colours import COLOURS, TEXT_COLOURS
from dfd.plots import shortened
from dfd.scoring.metrics import is_fake

VIDEOS, CROPS = 12, 3
_ACROSS = 3  # videos in a row of the sheet
_WIDTH = 9.0  # inches
_TEXT = 0.52  # inches under the crops of a video
_LEAST = 1e-9  # probability that is still told from none


def worst_errors(videos: pd.DataFrame, crops: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Return the most telling crops of the worst errors.

    Args:
        videos: A row a video: ``video``, ``label``, ``method`` and ``score`` (calibrated).
        crops: A row per crop: ``video``, ``frame``, ``track``, ``score`` (calibrated), and what
            ``read_crops`` needs.
        threshold: Scores from here on are called FAKE.

    Returns:
        The rows of up to 3 crops of each of up to 12 videos called wrongly, the worst first: far
        from the threshold in log-odds, then by name. Of a video, those crops whose log-odds are
        furthest in the wrong direction. ``score`` and ``label`` are the video's, with ``method``
        and the crop's own ``crop_score``.
    """
    wrong = _wrong_side(videos, threshold)
    called_wrongly = (videos["score"] >= threshold) != is_fake(videos["label"])
    ranked = videos.assign(wrong=wrong)[called_wrongly]
    ranked = ranked.sort_values(["wrong", "video"], ascending=[False, True]).head(VIDEOS)
    ranked = ranked[["video", "label", "method", "score"]].assign(rank=range(len(ranked)))
    told = crops.drop(columns=["label"], errors="ignore").rename(columns={"score": "crop_score"})
    joined = told.merge(ranked, on="video")
    joined["wrong"] = _wrong_side(joined.assign(score=joined["crop_score"]), threshold)
    order = joined.sort_values(
        ["rank", "wrong", "frame", "track"], ascending=[True, False, True, True]
    )
    return order.groupby("rank", sort=False).head(CROPS).reset_index(drop=True)


def worst_figure(worst: pd.DataFrame, images: npt.NDArray[np.uint8], title: str) -> Figure:
    """Draw the contact sheet.

    Args:
        worst: As from ``worst_errors``.
        images: Its crops in order, uint8 (N, S, S, 3) RGB.
        title: The picture's.
    """
    errors = [part for _, part in worst.groupby("rank", sort=False)]
    rows = -(-len(errors) // _ACROSS)
    cell = _WIDTH / _ACROSS
    crop = (cell - 0.2) / CROPS
    height = 0.45 + rows * (crop + _TEXT) if errors else 1.2
    figure = Figure(figsize=(_WIDTH, height))

    def write(left: float, top: float, text: str, size: float, colour: str = "#222222") -> None:
        place = left / _WIDTH, 1 - top / height
        figure.text(*place, text, fontsize=size, color=colour, va="top", parse_math=False)

    write(0.1, 0.1, shortened(title, 90), 10.5)
    if not errors:
        write(0.1, 0.6, "No test video is on the wrong side of the threshold.", 12)
    for number, error in enumerate(errors):
        left, top = number % _ACROSS * cell + 0.1, 0.45 + number // _ACROSS * (crop + _TEXT)
        first = error.iloc[0]
        colour = COLOURS[first["label"]]
        for column, row in enumerate(error.index):
            size = (crop - 0.05) / _WIDTH, (crop - 0.05) / height
            corner = (left + column * crop) / _WIDTH, 1 - (top + crop - 0.05) / height
            axes = figure.add_axes((*corner, *size))
            axes.imshow(images[row])
            axes.set_axis_off()
            frame = Rectangle((0, 0), 1, 1, fill=False, edgecolor=colour, linewidth=4)
            frame.set_transform(axes.transAxes)
            axes.add_patch(frame)
        method = f", {first['method']}" if isinstance(first["method"], str) else ""
        write(left, top + crop, f"{number + 1}. {shortened(str(first['video']), 32)}", 9)
        about = shortened(f"is {first['label']}{method}; score {first['score']:.3f}", 36)
        write(left, top + crop + 0.18, about, 9, TEXT_COLOURS[first["label"]])
    return figure


def _wrong_side(items: pd.DataFrame, threshold: float) -> npt.NDArray[np.float64]:
    """Return how far, in log-odds, each score lies beyond the threshold on the wrong side."""
    beyond = logit(np.clip(items["score"], _LEAST, 1 - _LEAST)) - logit(threshold)
    return np.asarray(np.where(is_fake(items["label"]), -beyond, beyond))
