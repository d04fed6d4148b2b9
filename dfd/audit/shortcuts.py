"""The audit's checks for shortcuts: differences between REAL and FAKE that are not forgeries.

A detector learns the easiest difference between the classes: a camera, a file size, a frame rate.
Its results on the test part then say nothing about forgeries. Each check measures how well such a
difference alone separates the classes.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from dfd.audit.findings import Finding, Outcome
from dfd.dataset.table import FEATURES, container_features
from dfd.scoring.bootstrap import Interval, auc_interval
from dfd.scoring.metrics import auc
from dfd.video.phash import hash_bits

# A warning is given where the lower end of the interval of the AUC is above this value. It is not
# 0.5, since in a large data set even a difference that hardly matters is significant. The file
# sizes of the sample data set reach 0.54 (0.49 to 0.59).
BOUND = 0.6
_MIN_VIDEOS = 10  # of each class; from fewer videos the interval would be too narrow
_FOLDS = 5
_RESAMPLES = 1000
_SEED = 0
_BLOCK = 1024

Numbers = npt.NDArray[np.float64]


def check_container(index: pd.DataFrame) -> Outcome:
    """Measure how well the properties of the video files alone separate the classes.

    The scores come from a logistic regression and a decision tree of depth three, whose
    probabilities are averaged, in a cross-validation that keeps groups together. All features are
    used together, and each by itself. A warning is given where the best of these has an AUC
    significantly above ``BOUND``.

    Args:
        index: One row per video, with the columns that ``container_features`` needs, ``label`` and
            ``group``.
    """
    features = container_features(index)
    readable = features.notna().all(axis=1)
    features, rows = features[readable], index.loc[readable, ["label", "group"]]
    groups = rows.groupby("label")["group"].nunique().reindex(["REAL", "FAKE"], fill_value=0)
    if reason := _too_few(rows["label"]):
        return Outcome("container", None, omitted=reason)
    if groups.min() < _FOLDS:
        return Outcome("container", None, omitted=f"a class has fewer than {_FOLDS} groups")
    varying = [name for name in FEATURES if features[name].nunique() > 1]
    if not varying:
        return Outcome("container", "All containers say the same")
    alone = {name: _cross_validated(features[[name]], rows) for name in varying}
    figures = {name: auc(rows["label"], scores) or 0.0 for name, scores in alone.items()}
    best = max(figures, key=lambda name: figures[name])
    together = _cross_validated(features[varying], rows)
    value = auc(rows["label"], together) or 0.0
    source, scores = f"the container ({', '.join(varying)})", together
    if figures[best] > value:
        source, scores, value = best, alone[best], figures[best]
    interval = auc_interval(rows.assign(score=scores), _RESAMPLES, _SEED)
    summary = (
        f"{source}: AUC {_figure(value, interval)}; best by itself: {best}, {figures[best]:.3f}"
    )
    if interval is None or interval.low <= BOUND:
        return Outcome("container", summary)
    text = (
        f"REAL and FAKE can be told apart without a look at the pictures: {summary}. Encode both "
        "alike, or take the videos that differ out."
    )
    return Outcome("container", summary, (Finding("container_shortcut", "warning", text),))


def check_canary(table: pd.DataFrame) -> Outcome:
    """Measure how well the label of the most similar training video predicts that of another video.

    The prediction is by the nearest neighbour in the perceptual hash of the first frame, which
    shows rooms and cameras but no traces of forgery. Where every group has both classes, it is at
    chance. A warning is given where its AUC is significantly above ``BOUND``.

    Args:
        table: One row per video, with the columns ``label``, ``group``, ``phash`` and ``part``.
    """
    hashed = table[table["phash"].notna()]
    train, others = hashed[hashed["part"] == "train"], hashed[hashed["part"] != "train"]
    if reason := _too_few(others["label"]) or _too_few(train["label"]):
        return Outcome("canary", None, omitted=reason)
    scores = _nearest_fakes(
        hash_bits(others["phash"].tolist()),
        hash_bits(train["phash"].tolist()),
        (train["label"] == "FAKE").to_numpy(),
    )
    value = auc(others["label"], scores) or 0.0
    interval = auc_interval(others.assign(score=scores), _RESAMPLES, _SEED)
    summary = f"the training video that looks most alike: AUC {_figure(value, interval)}"
    if interval is None or interval.low <= BOUND:
        return Outcome("canary", summary)
    text = (
        f"Rooms and cameras give the label away: {summary}. REAL and FAKE come from different "
        "recordings; add the sources of the fakes."
    )
    return Outcome("canary", summary, (Finding("look_shortcut", "warning", text),))


def _cross_validated(features: pd.DataFrame, rows: pd.DataFrame) -> Numbers:
    """Return P(FAKE) of each row by a model trained on rows of other groups, float64 (N,)."""
    tree = DecisionTreeClassifier(
        max_depth=3, min_samples_leaf=5, class_weight="balanced", random_state=_SEED
    )
    linear = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=_SEED)
    scores = cross_val_predict(
        VotingClassifier([("line", linear), ("tree", tree)], voting="soft"),
        features.to_numpy(),
        (rows["label"] == "FAKE").to_numpy(),
        groups=rows["group"].to_numpy(),
        cv=folds,
        method="predict_proba",
    )
    return np.asarray(scores[:, 1], np.float64)


def _nearest_fakes(
    others: npt.NDArray[np.bool_], train: npt.NDArray[np.bool_], fake: npt.NDArray[np.bool_]
) -> Numbers:
    """Return for each hash the share of FAKE among the nearest training hashes, 0..1, (N,).

    Args:
        others: bool (N, 16, 16), the hashes to predict.
        train: bool (M, 16, 16), the hashes of the training videos.
        fake: bool (M,), whether each training video is FAKE.
    """
    signs = np.where(train.reshape(len(train), -1), np.float32(1), np.float32(-1))
    shares = []
    for first in range(0, len(others), _BLOCK):
        block = others[first : first + _BLOCK].reshape(-1, signs.shape[1])
        agree = np.where(block, np.float32(1), np.float32(-1)) @ signs.T
        nearest = agree == agree.max(axis=1, keepdims=True)
        shares.append((nearest @ fake.astype(np.float32)) / nearest.sum(axis=1))
    return np.concatenate(shares).astype(np.float64)


def _too_few(labels: pd.Series) -> str | None:
    """Return why there are too few videos for a check; None where there are enough."""
    for label in ("REAL", "FAKE"):
        if (count := int((labels == label).sum())) < _MIN_VIDEOS:
            return f"needs {_MIN_VIDEOS} readable videos of each class, and has {count} {label}"
    return None


def _figure(value: float, interval: Interval | None) -> str:
    span = f" ({interval.low:.3f} – {interval.high:.3f})" if interval else ""
    return f"{value:.3f}{span}"
