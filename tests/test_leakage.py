"""The canary: a model that only recognises videos looks good by frame and is useless by group."""

import numpy as np
import pandas as pd
from sklearn.neighbors import KNeighborsClassifier

from dfd.params.data import SplitFractions, SplitParams
from dfd.scoring.aggregate import video_scores
from dfd.scoring.metrics import auc
from dfd.split.protocols import make_split
from dfd.split.table import assign_parts

VIDEOS, FRAMES = 240, 12


def recogniser_auc(protocol: str) -> float:
    """Video AUC of a 1-nearest-neighbour on features that are the video's own, not its label's."""
    rng = np.random.default_rng(0)
    names = [f"{number:03}" for number in range(VIDEOS)]
    videos = pd.DataFrame(
        {"video": names, "group": names, "label": rng.permutation(["REAL", "FAKE"] * (VIDEOS // 2))}
    )
    videos["source"] = None
    look = rng.normal(size=(VIDEOS, 1, 16)) + 0.1 * rng.normal(size=(VIDEOS, FRAMES, 16))
    crops = pd.DataFrame(
        [(name, frame, 0) for name in names for frame in range(FRAMES)],
        columns=["video", "frame", "track"],
    )
    params = SplitParams.model_validate(
        {
            "protocol": protocol,
            "seed": 3,
            "fractions": SplitFractions(train=0.5, validation=0.1, test=0.4),
        }
    )
    rows = assign_parts(crops, make_split(videos, params), params)
    features = look.reshape(-1, 16)
    train, test = (rows["part"] == "train").to_numpy(), (rows["part"] == "test").to_numpy()
    model = KNeighborsClassifier(1).fit(features[train], rows["label"][train] == "FAKE")
    scored = rows[test].assign(score=model.predict_proba(features[test])[:, 1])
    judged = video_scores(scored)
    value = auc(judged["label"], judged["score"])
    assert value is not None
    return value


def test_labels_unrelated_to_content_cannot_be_learnt_by_group_but_seem_to_be_by_frame() -> None:
    grouped, framed = recogniser_auc("group"), recogniser_auc("frame")
    assert 0.35 < grouped < 0.65
    assert framed > 0.95
