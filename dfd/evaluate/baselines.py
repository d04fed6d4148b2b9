"""Baselines: the scores a detector must beat, from models that cannot see forgery.

``majority`` gives every video the share of FAKE among the training videos. ``metadata`` is a
logistic regression on facts about the video file (size, frame rate, resolution), and
``image_statistics`` is a logistic regression on sharpness, contrast and colour of the crops; both
are fitted on the training part. On a data set where such a baseline does well, REAL and FAKE differ
in something other than forgery, and the detector may have learnt that difference too.
"""

from collections.abc import Mapping

import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MAJORITY = "majority"


def baseline_scores(
    train: pd.DataFrame, test: pd.DataFrame, features: Mapping[str, pd.DataFrame]
) -> dict[str, pd.Series]:
    """Return the scores that each baseline gives the test videos.

    Args:
        train: Training videos, one per row, with the columns ``video`` and ``label``.
        test: Test videos, one per row, with the column ``video``.
        features: For each fitted baseline, by its name, a table of numbers with one row per video,
            indexed by ``video``. A missing number is replaced by the median of the training videos.

    Returns:
        By the name of the baseline, P(FAKE) 0..1 indexed by ``video``. A video without features has
        no score. A baseline is left out where it cannot be fitted (one class, or no features).

    Example:
        A data set in which the frame rate gives the fakes away:

        >>> import pandas as pd
        >>> from dfd.evaluate.baselines import baseline_scores
        >>> videos = pd.DataFrame({"video": list("abcdef"), "label": ["REAL", "FAKE"] * 3})
        >>> rates = pd.DataFrame({"frame_rate": [30.0, 25.0] * 3}, index=videos["video"])
        >>> scores = baseline_scores(videos[:4], videos[4:], {"metadata": rates})
        >>> scores["majority"].tolist()
        [0.5, 0.5]
        >>> bool(scores["metadata"]["f"] > 0.5 > scores["metadata"]["e"])
        True
    """
    fake = train["label"] == "FAKE"
    scores = {MAJORITY: pd.Series(fake.mean(), index=pd.Index(test["video"]))}
    for name, table in features.items():
        fitted_on = train[train["video"].isin(table.index)]
        scored = test.loc[test["video"].isin(table.index), "video"]
        not_empty = table.loc[fitted_on["video"]].notna().any()
        if fitted_on["label"].nunique() < 2 or scored.empty or not not_empty.any():
            continue
        model = make_pipeline(
            SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(max_iter=1000)
        )
        columns = table.loc[:, not_empty]
        model.fit(
            columns.loc[fitted_on["video"]].to_numpy(), (fitted_on["label"] == "FAKE").to_numpy()
        )
        fake_probability = model.predict_proba(columns.loc[scored].to_numpy())[:, 1]
        scores[name] = pd.Series(fake_probability, index=pd.Index(scored))
    return scores
