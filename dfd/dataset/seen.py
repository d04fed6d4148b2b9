"""Which groups of a data set a detector has seen, in whatever file."""

import numpy as np
import pandas as pd

from dfd.video.matching import matching_videos, pictures_of

_PICTURES = ["frame_hashes", "face_hashes"]


def seen_groups(videos: pd.DataFrame, known: pd.DataFrame) -> set[str]:
    """Return the groups of which a video is known: the same file, or one with the same pictures.

    So FaceForensics++ at c40 is seen by a detector that learnt from c23.

    Args:
        videos: One row per video, with the columns ``group``, ``sha256``, ``frame_hashes`` and
            ``face_hashes``; the tables of an older version of dfd have ``sha256`` alone.
        known: The videos that the detector was trained or validated on, with the same columns.

    Example:
        >>> known = pd.DataFrame({"sha256": ["0"], "frame_hashes": ["0f" * 32]})
        >>> videos = pd.DataFrame({"sha256": ["1", "2"], "group": ["a", "b"]})
        >>> videos["frame_hashes"] = ["1f" + "0f" * 31, "00" * 32]  # one bit, and half of the bits
        >>> seen_groups(videos, known)
        {'a'}
    """
    seen = set(videos.loc[videos["sha256"].isin(known["sha256"]), "group"])
    both = pd.concat([videos, known], ignore_index=True).reindex(columns=_PICTURES)
    ours = np.arange(len(both)) < len(videos)
    pictures = pictures_of(both["frame_hashes"].tolist(), both["face_hashes"].tolist())
    pairs = matching_videos(pictures, lambda one, other: ours[one] != ours[other])
    return seen | set(videos["group"].iloc[pairs.first])  # ours have the smaller numbers
