"""People of a FAKE video whom the forger left alone, and who must not be taught as FAKE.

Where a video shows several people, often only one of them is forged, but the label is that of the
video. A face that looks as it does in the source video has not been forged. The winners of the
DFDC compared fakes with their sources in the same way, to find out where a face is forged
(Seferbekov, 2020).
"""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from dfd.arrays import Image
from dfd.train.feed.crops import Crops
from dfd.train.feed.sampling import ABSENT
from dfd.train.feed.store import take

# Correlation of a face with the same face in the source. Of 23 clips of FaceForensics++ with a
# forged face the greatest was 0.981. A clip that was only compressed again had 0.985 (median at
# crf 33) and more with less compression, so what is left out is untouched.
_SAME = 0.985
_BORDER = 0.1  # share of the side by which the boxes of one face may differ
_SAME_MOMENT = 0.02  # seconds
_SAME_PLACE = 0.25  # widths of the face between the centres of the boxes
_BLUR = 1.5  # pixels: compression alters the finest detail of every face


def without_untouched(crops: Crops) -> tuple[Crops, int]:
    """Return the crops of a part without those of untouched people, and the number of these people.

    A person of a FAKE video is untouched if the crops look as those of the source video at the same
    moment and place, and if another person of the same video does not. Videos with one person and
    videos without their source stay as they are.

    Args:
        crops: The crops of the part; the table has the columns of paired sampling.

    Example:
        Crops of REAL videos alone:

        >>> import pandas as pd
        >>> table = pd.DataFrame({"video": ["a"], "label": "REAL", "source": None, "time_s": 0.0})
        >>> table = table.assign(track=0, x1=0, y1=0, x2=50, y2=50)
        >>> images, landmarks = np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 5, 2), np.float32)
        >>> kept, people = without_untouched(Crops(images, np.array([0]), landmarks, table))
        >>> len(kept), people
        (1, 0)
    """
    table, sources = crops.table, crops.sources
    fakes = table[sources != ABSENT]
    left_out: list[int] = []
    people = 0
    for _, video in fakes.groupby("video", sort=True):
        tracks = [track.index.to_numpy() for _, track in video.groupby("track", sort=True)]
        if len(tracks) < 2:
            continue
        same = [_likeness(crops, rows, sources[rows]) >= _SAME for rows in tracks]
        if all(same):
            continue  # a forgery that is too subtle to see in this way
        people += sum(same)
        left_out += [row for rows, alike in zip(tracks, same, strict=True) if alike for row in rows]
    if not left_out:
        return crops, 0  # whose sources are known already
    kept = np.setdiff1d(np.arange(len(crops)), left_out)
    return replace(
        crops,
        rows=crops.rows[kept],
        landmarks=crops.landmarks[kept],
        table=table.iloc[kept].reset_index(drop=True),
    ), people


def _likeness(crops: Crops, rows: npt.NDArray[np.int64], sources: npt.NDArray[np.int64]) -> float:
    """Return the median correlation of crops with those of the source; -1 if none can be compared.

    Args:
        crops: The crops of the part.
        rows: Positions of the crops of one track of a FAKE video, int64 (M,).
        sources: Positions of the nearest crops of its source video, int64 (M,).
    """
    fake, real = (crops.table.iloc[chosen] for chosen in (rows, sources))
    corners = ["x1", "y1", "x2", "y2"]
    boxes, others = (part[corners].to_numpy(np.float64) for part in (fake, real))
    sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    offsets = np.linalg.norm((boxes - others).reshape(-1, 2, 2).mean(axis=1), axis=1)
    seconds = np.abs(fake["time_s"].to_numpy() - real["time_s"].to_numpy())
    near = (seconds <= _SAME_MOMENT) & (offsets <= _SAME_PLACE * sizes)
    if not near.any():
        return -1.0
    pairs = zip(
        take(crops.images, crops.rows[rows[near]]),
        take(crops.images, crops.rows[sources[near]]),
        strict=True,
    )
    return float(np.median([_correlation(a, b) for a, b in pairs]))


def _correlation(first: Image, second: Image) -> float:
    """Return the highest correlation of two crops over small shifts, -1..1."""
    smooth, searched = (
        cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), _BLUR)
        for image in (first, second)
    )
    border = round(_BORDER * len(first))
    inner = smooth[border:-border, border:-border]
    return float(cv2.matchTemplate(searched, inner, cv2.TM_CCOEFF_NORMED).max())
