"""Names for the arrays that modules pass to each other."""

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]  # (H, W, 3): BGR for video frames, RGB where a docstring says so
Images = npt.NDArray[np.uint8]  # (N, S, S, 3): square RGB crops
Scores = npt.NDArray[np.float64]  # (N,): P(FAKE), 0..1
