"""What a detector must beat: answers that know nothing of forgery.

``majority`` always says the share of FAKE among the training videos; ``metadata`` reads the
container alone (size, rate, resolution), ``image statistics`` the sharpness, contrast and colour of
the crops. The latter two are logistic regressions fitted on the training part. A data set on which
they do well is solved by something that is not forgery, and so, perhaps, is the detector's figure.
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
    """Return the P(FAKE) of every baseline for the test videos.

    Args:
        train: Training videos: columns ``video`` and ``label``.
        test: Test videos: column ``video``.
        features: By baseline, a row of numbers a video, indexed by ``video``; what is not a number
            is taken to be the median, and a video that is not there is not judged by it.
    """
    fake = train["label"] == "FAKE"
    scores = {MAJORITY: pd.Series(fake.mean(), index=pd.Index(test["video"]))}
    for name, table in features.items():
        seen = train[train["video"].isin(table.index)]
        asked = test.loc[test["video"].isin(table.index), "video"]
        useful = table.loc[seen["video"]].notna().any()
        if seen["label"].nunique() < 2 or asked.empty or not useful.any():
            continue
        model = make_pipeline(
            SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(max_iter=1000)
        )
        known = table.loc[:, useful]
        model.fit(known.loc[seen["video"]].to_numpy(), (seen["label"] == "FAKE").to_numpy())
        said = model.predict_proba(known.loc[asked].to_numpy())[:, 1]
        scores[name] = pd.Series(said, index=pd.Index(asked))
    return scores
