"""Scores of two detectors on the same videos, none of which either detector was trained on."""

from collections.abc import Callable

import pandas as pd

from dfd.dataset.seen import seen_groups

ScoreVideos = Callable[[list[str]], pd.Series]


def comparable(
    ours: tuple[pd.DataFrame, pd.DataFrame],
    theirs: tuple[pd.DataFrame, pd.DataFrame],
    score_videos: ScoreVideos,
) -> pd.DataFrame:
    """Return the videos on which a challenger and a champion may be compared, with both scores.

    These are the challenger's test videos, without those of a group from which the champion's
    training or validation part has a video. If all of them are test videos of the champion too, the
    scores of both are known; otherwise the champion scores them. Videos are recognised by their
    content and by their pictures, whatever their names and however they are encoded.

    Args:
        ours: The challenger's predictions (``video``, ``group``, ``actual``, ``score``) and the
            videos of its data set (``video``, ``sha256``, ``frame_hashes``, ``face_hashes``,
            ``group``, ``part``).
        theirs: The same two tables of the champion.
        score_videos: Function from ids of the challenger's test videos to the champion's calibrated
            scores by id. A video without a face has no score.

    Returns:
        Columns ``video``, ``group``, ``label``, ``challenger`` and ``champion``; the last two are
        calibrated P(FAKE).

    Examples:
        >>> videos = pd.DataFrame(
        ...     {"video": ["a.mp4"], "sha256": ["1f"], "group": ["a"], "part": ["test"]}
        ... )
        >>> ours = pd.DataFrame(
        ...     {"video": ["a.mp4"], "group": ["a"], "actual": ["FAKE"], "score": [0.9]}
        ... )
        >>> theirs = ours.assign(score=0.7)
        >>> comparable((ours, videos), (theirs, videos), lambda ids: pd.Series(dtype=float))
           video group label  challenger  champion
        0  a.mp4     a  FAKE         0.9       0.7
    """
    (predictions, videos), (their_predictions, their_videos) = ours, theirs
    scored = predictions.merge(videos[["video", "sha256"]], on="video")
    table = scored.rename(columns={"actual": "label", "score": "challenger"})
    seen = seen_groups(videos, their_videos[their_videos["part"] != "test"])
    table = table[~table["group"].isin(seen)]
    test = their_predictions.merge(their_videos[["video", "sha256"]], on="video")
    if table["sha256"].isin(test["sha256"]).all():
        scores = test.drop_duplicates("sha256").set_index("sha256")["score"]
        table = table.assign(champion=table["sha256"].map(scores))
    else:
        scores = score_videos(table["video"].tolist())
        table = table.assign(champion=table["video"].map(scores)).dropna(subset=["champion"])
    return table[["video", "group", "label", "challenger", "champion"]].reset_index(drop=True)
