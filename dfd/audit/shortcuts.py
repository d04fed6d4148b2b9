"""Checks of the audit for what tells REAL from FAKE though it knows nothing of forging.

A detector learns the easiest thing that separates the classes: a camera, a size, a frame rate. What
it then reaches on the test part says nothing about forgeries.
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

# An AUC that is surely above this is a warning. Large sets have small differences that are surely
# there and explain little, so it lies above 0.5; the sample's file sizes reach 0.55.
BOUND = 0.6
_FEWEST = 10  # videos of a class; an interval from fewer is too narrow to be believed
_FOLDS = 5
_RESAMPLES = 1000
_SEED = 0
_BLOCK = 1024

Numbers = npt.NDArray[np.float64]


def check_container(index: pd.DataFrame) -> Outcome:
    """Measure how well the container alone tells the classes apart, no group in two folds.

    A logistic regression and a tree of depth three vote, on all features together and on each by
    itself; a warning comes when the best of these is surely above ``BOUND``.

    Args:
        index: Columns of ``container_features``, and ``label`` and ``group``.
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
    what, scores = f"the container ({', '.join(varying)})", together
    if figures[best] > value:
        what, scores, value = best, alone[best], figures[best]
    interval = auc_interval(rows.assign(score=scores), _RESAMPLES, _SEED)
    said = f"{what}: AUC {_figure(value, interval)}; best by itself: {best}, {figures[best]:.3f}"
    if interval is None or interval.low <= BOUND:
        return Outcome("container", said)
    text = (
        f"REAL and FAKE can be told apart without a look at the pictures: {said}. Encode both "
        "alike, or take the videos that differ out."
    )
    return Outcome("container", said, (Finding("container_shortcut", "warning", text),))


def check_canary(table: pd.DataFrame) -> Outcome:
    """Measure how often the training video that looks most alike has the label of another part's.

    A nearest neighbour on the hash of the first frame knows rooms and cameras, nothing of forging.
    Where every group holds both classes it is at chance; a warning comes when it is surely above
    ``BOUND``.

    Args:
        table: Columns ``label``, ``group``, ``phash`` and ``part``.
    """
    hashed = table[table["phash"].notna()]
    known, asked = hashed[hashed["part"] == "train"], hashed[hashed["part"] != "train"]
    if reason := _too_few(asked["label"]) or _too_few(known["label"]):
        return Outcome("canary", None, omitted=reason)
    scores = _nearest_fakes(
        hash_bits(asked["phash"].tolist()),
        hash_bits(known["phash"].tolist()),
        (known["label"] == "FAKE").to_numpy(),
    )
    value = auc(asked["label"], scores) or 0.0
    interval = auc_interval(asked.assign(score=scores), _RESAMPLES, _SEED)
    said = f"the training video that looks most alike: AUC {_figure(value, interval)}"
    if interval is None or interval.low <= BOUND:
        return Outcome("canary", said)
    text = (
        f"Rooms and cameras give the label away: {said}. REAL and FAKE come from different "
        "recordings; add the sources of the fakes."
    )
    return Outcome("canary", said, (Finding("look_shortcut", "warning", text),))


def _cross_validated(features: pd.DataFrame, rows: pd.DataFrame) -> Numbers:
    """Return P(FAKE) of each row by a model that has seen no row of its group, (N,)."""
    tree = DecisionTreeClassifier(
        max_depth=3, min_samples_leaf=5, class_weight="balanced", random_state=_SEED
    )
    line = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=_SEED)
    scores = cross_val_predict(
        VotingClassifier([("line", line), ("tree", tree)], voting="soft"),
        features.to_numpy(),
        (rows["label"] == "FAKE").to_numpy(),
        groups=rows["group"].to_numpy(),
        cv=folds,
        method="predict_proba",
    )
    return np.asarray(scores[:, 1], np.float64)


def _nearest_fakes(
    asked: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_], fake: npt.NDArray[np.bool_]
) -> Numbers:
    """Return the share of FAKE among the hashes that are nearest to each one asked, (N,)."""
    signs = np.where(known.reshape(len(known), -1), np.float32(1), np.float32(-1))
    shares = []
    for first in range(0, len(asked), _BLOCK):
        block = asked[first : first + _BLOCK].reshape(-1, signs.shape[1])
        agree = np.where(block, np.float32(1), np.float32(-1)) @ signs.T
        nearest = agree == agree.max(axis=1, keepdims=True)
        shares.append((nearest @ fake.astype(np.float32)) / nearest.sum(axis=1))
    return np.concatenate(shares).astype(np.float64)


def _too_few(labels: pd.Series) -> str | None:
    for label in ("REAL", "FAKE"):
        if (count := int((labels == label).sum())) < _FEWEST:
            return f"needs {_FEWEST} readable videos of each class, and has {count} {label}"
    return None


def _figure(value: float, interval: Interval | None) -> str:
    span = f" ({interval.low:.3f} – {interval.high:.3f})" if interval else ""
    return f"{value:.3f}{span}"
