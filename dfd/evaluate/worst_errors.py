"""The worst errors: the videos furthest on the wrong side of the threshold, and their crops.

For each such video the crops with the most misleading scores are shown, on one contact sheet.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.special import logit

from dfd.colours import COLOURS, TEXT_COLOURS
from dfd.plots import shortened
from dfd.scoring.metrics import is_fake

MAX_VIDEOS, CROPS_OF_A_VIDEO = 12, 3
_VIDEOS_IN_A_ROW = 3
_WIDTH = 9.0  # of the sheet, in inches
_TEXT = 0.52  # height of the text below the crops of a video, in inches
_MIN_PROBABILITY = 1e-9  # probabilities are clipped to this, so that their log-odds are finite


def worst_errors(videos: pd.DataFrame, crops: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Return the most misleading crops of the worst errors.

    A video is an error if its prediction is wrong. Errors are sorted by how far, in log-odds, their
    score lies from the threshold, furthest first, and then by name. The crops of a video are sorted
    in the same way.

    Args:
        videos: One row per video, with the columns ``video``, ``label``, ``method`` and ``score``
            (calibrated, 0..1).
        crops: One row per crop, with the columns ``video``, ``frame``, ``track`` and ``score``
            (calibrated, 0..1); further columns are kept.
        threshold: Scores of at least this are predicted FAKE, 0..1.

    Returns:
        One row per crop: up to ``CROPS_OF_A_VIDEO`` crops of each of the first ``MAX_VIDEOS``
        errors, with the columns of ``crops``, the ``label``, ``method`` and ``score`` of the video,
        its ``rank`` from 0 on, and ``crop_score``, the score of the crop.

    Example:
        A fake that was taken for real because of its second crop:

        >>> import pandas as pd
        >>> from dfd.evaluate.worst_errors import worst_errors
        >>> videos = pd.DataFrame({"video": ["a"], "label": "FAKE", "method": "swap", "score": 0.3})
        >>> crops = pd.DataFrame({"video": "a", "frame": [0, 8], "track": 0, "score": [0.6, 0.1]})
        >>> worst_errors(videos, crops, 0.5)[["rank", "frame", "score", "crop_score"]]
           rank  frame  score  crop_score
        0     0      8    0.3         0.1
        1     0      0    0.3         0.6
    """
    is_error = (videos["score"] >= threshold) != is_fake(videos["label"])
    errors = videos.assign(wrong=_wrong_side(videos, threshold))[is_error]
    errors = errors.sort_values(["wrong", "video"], ascending=[False, True]).head(MAX_VIDEOS)
    errors = errors[["video", "label", "method", "score"]].assign(rank=range(len(errors)))
    own_scores = crops.drop(columns=["label"], errors="ignore").rename(
        columns={"score": "crop_score"}
    )
    joined = own_scores.merge(errors, on="video")
    joined["wrong"] = _wrong_side(joined.assign(score=joined["crop_score"]), threshold)
    ordered = joined.sort_values(
        ["rank", "wrong", "frame", "track"], ascending=[True, False, True, True]
    )
    return ordered.groupby("rank", sort=False).head(CROPS_OF_A_VIDEO).reset_index(drop=True)


def worst_figure(worst: pd.DataFrame, images: npt.NDArray[np.uint8], title: str) -> Figure:
    """Draw the contact sheet of the worst errors.

    Args:
        worst: The crops, one per row (``worst_errors``).
        images: The pixels of those crops in the same order, uint8 (N, S, S, 3) RGB.
        title: Title of the figure.
    """
    errors = [part for _, part in worst.groupby("rank", sort=False)]
    rows = -(-len(errors) // _VIDEOS_IN_A_ROW)
    cell = _WIDTH / _VIDEOS_IN_A_ROW
    crop = (cell - 0.2) / CROPS_OF_A_VIDEO
    height = 0.45 + rows * (crop + _TEXT) if errors else 1.2
    figure = Figure(figsize=(_WIDTH, height))

    def write(left: float, top: float, text: str, size: float, colour: str = "#222222") -> None:
        position = left / _WIDTH, 1 - top / height
        figure.text(*position, text, fontsize=size, color=colour, va="top", parse_math=False)

    write(0.1, 0.1, shortened(title, 90), 10.5)
    if not errors:
        write(0.1, 0.6, "No test video is on the wrong side of the threshold.", 12)
    for number, error in enumerate(errors):
        left, top = (
            number % _VIDEOS_IN_A_ROW * cell + 0.1,
            0.45 + number // _VIDEOS_IN_A_ROW * (crop + _TEXT),
        )
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
        description = shortened(f"is {first['label']}{method}; score {first['score']:.3f}", 36)
        write(left, top + crop + 0.18, description, 9, TEXT_COLOURS[first["label"]])
    return figure


def _wrong_side(items: pd.DataFrame, threshold: float) -> npt.NDArray[np.float64]:
    """Return how far, in log-odds, each score lies on the wrong side of the threshold, (N,)."""
    beyond = logit(np.clip(items["score"], _MIN_PROBABILITY, 1 - _MIN_PROBABILITY)) - logit(
        threshold
    )
    return np.asarray(np.where(is_fake(items["label"]), -beyond, beyond))
