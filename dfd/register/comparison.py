"""Two detectors' scores of the same videos, none of which either was trained on."""

from collections.abc import Callable

import pandas as pd

Rescore = Callable[[list[str]], pd.Series]


def comparable(
    ours: tuple[pd.DataFrame, pd.DataFrame],
    theirs: tuple[pd.DataFrame, pd.DataFrame],
    rescore: Rescore,
) -> pd.DataFrame:
    """Return the videos on which a challenger and a champion may be compared.

    Where the champion's test part holds the challenger's, the scores of both are known. Otherwise
    the champion scores the challenger's test videos anew, those left out of whose group it was
    trained or chosen on any video: videos are known by content, whatever they are called.

    Args:
        ours: Of the challenger, its predictions (``video``, ``group``, ``actual``, ``score``) and
            its videos (``video``, ``sha256``, ``group``, ``part``).
        theirs: Of the champion, likewise.
        rescore: From ids of the challenger's test videos to the champion's calibrated scores, by
            id; one without a crop is not among them.

    Returns:
        Columns ``video``, ``group``, ``label``, ``challenger`` and ``champion``.
    """
    (predictions, videos), (their_predictions, their_videos) = ours, theirs
    known = predictions.merge(videos[["video", "sha256"]], on="video")
    table = known.rename(columns={"actual": "label", "score": "challenger"})
    test = their_predictions.merge(their_videos[["video", "sha256"]], on="video")
    if table["sha256"].isin(test["sha256"]).all():
        scores = test.drop_duplicates("sha256").set_index("sha256")["score"]
        table["champion"] = table["sha256"].map(scores)
    else:
        seen = their_videos.loc[their_videos["part"] != "test", "sha256"]
        tainted = videos.loc[videos["sha256"].isin(seen), "group"]
        table = table[~table["group"].isin(tainted)]
        scores = rescore(table["video"].tolist()) if len(table) else pd.Series(dtype=float)
        table = table.assign(champion=table["video"].map(scores)).dropna(subset=["champion"])
    return table[["video", "group", "label", "challenger", "champion"]].reset_index(drop=True)
