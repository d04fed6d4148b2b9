"""A judged detector to draw and to write about."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.detectors import card_of
from dfd.evaluate.evaluation import Evaluation, evaluate
from dfd.evaluate.findings import Findings
from dfd.params.evaluation import EvaluateParams
from dfd.scoring.decision import Calibration, Decision, Promise

PROMISE = Promise(target_error=0.05, bound=0.04, groups=60, missing=0, carried=0.04)
DECISION = Decision(Calibration(), width=0.2, promise=PROMISE)
SPLIT = {
    "protocol": "frame",
    "groups_crossing": "all",
    "parts": {"test": {"videos": 8, "groups": 4, "REAL": 4, "FAKE": 4}},
}
NASTY = "<script>alert(1)</script>|*.mp4"


def table_of_videos(groups: int) -> pd.DataFrame:
    """A REAL and a FAKE of it a group; the first FAKE and its method have nasty names."""
    rows = [
        (f"r{g}" if label == "REAL" else f"f{g}", f"g{g}", label, source, method)
        for g in range(groups)
        for label, source, method in (("REAL", None, None), ("FAKE", f"r{g}", "swap|$x$<b>"))
    ]
    videos = pd.DataFrame(rows, columns=["video", "group", "label", "source", "method"])
    videos.loc[videos["video"] == "f0", "video"] = NASTY
    return videos.assign(width=640, height=360)


def evaluation(
    groups: int = 12, *, gain: float = 1.5, classes: tuple[str, ...] = ("REAL", "FAKE")
) -> Evaluation:
    """Judge scores whose log-odds are ``gain`` higher for FAKE, of one crop a video and more."""
    videos = table_of_videos(groups)
    videos = videos[videos["label"].isin(classes)].reset_index(drop=True)
    rng = np.random.default_rng(0)
    odds = rng.normal(scale=0.7, size=len(videos)) + gain * ((videos["label"] == "FAKE") - 0.5)
    crops = videos.loc[videos.index.repeat(4), ["video", "label", "group"]].reset_index(drop=True)
    spread = np.tile([-0.3, -0.1, 0.1, 0.3], len(videos))
    score = 1 / (1 + np.exp(-(odds.to_numpy().repeat(4) + spread)))
    box = {"x1": 0.0, "y1": 0.0, "x2": 100.0, "y2": 100.0}
    about = {"track": 0, "frame": np.tile(range(4), len(videos)), "brightness": 120.0}
    guess = pd.Series(rng.random(len(videos)), index=pd.Index(videos["video"]))
    baselines = {"majority": guess * 0 + 0.5, "image_statistics": guess}
    params = EvaluateParams(bootstrap=100, seed=1)
    return evaluate(crops.assign(score=score, **about, **box), videos, baselines, DECISION, params)


def findings(
    judged: Evaluation,
    *,
    leaky: bool = False,
    synthetic: bool = False,
    weights: str = "imagenet",
    datasets: tuple[str, ...] = ("one", "two"),
) -> Findings:
    """Return everything a report speaks of."""
    card = card_of(weights=weights, leaky=leaky, decision=DECISION)
    domain = card.domain.model_copy(update={"synthetic": synthetic})
    return Findings(card.model_copy(update={"domain": domain}), judged, SPLIT, datasets)


def noise(count: int) -> npt.NDArray[np.uint8]:
    """Return crops of noise, (count, 32, 32, 3)."""
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
