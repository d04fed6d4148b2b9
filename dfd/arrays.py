"""The arrays that modules hand to each other."""

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]  # (H, W, 3); BGR from frames, RGB where a docstring says so
Images = npt.NDArray[np.uint8]  # (N, S, S, 3) RGB crops
Scores = npt.NDArray[np.float32]  # (N,) P(FAKE)
