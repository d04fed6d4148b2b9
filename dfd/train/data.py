"""The parts of the split as training sees them."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from dfd.faces.crops import crop_landmarks
from dfd.train.feed import Crops

Part = Literal["train", "validation", "test"]


def crops_of_part(
    images: npt.NDArray[np.uint8], table: pd.DataFrame, part: Part, margin: float
) -> Crops:
    """Return the crops of one part.

    Args:
        images: All crops, as from ``open_store``.
        table: The crops table in the same order, with the columns that ``assign_parts`` adds.
        part: Which part.
        margin: As the crops were made with.
    """
    rows = np.flatnonzero(table["part"] == part)
    chosen = table.iloc[rows].reset_index(drop=True)
    return Crops(images, rows, crop_landmarks(chosen, margin, images.shape[1]), chosen)
