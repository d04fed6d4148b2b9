"""A detector's metrics on the test part, with intervals, coverage and baselines.

``evaluate`` computes everything from tables of scored crops. It reads no file and runs no network,
so any detector's scores on any videos can be evaluated.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from dfd.errors import EvaluationError
from dfd.evaluate.baselines import MAJORITY
from dfd.evaluate.slices import slice_figures, with_kinds
from dfd.evaluate.within_groups import WithinGroups, within_groups
from dfd.labels import PRIOR
from dfd.params.evaluation import EvaluateParams
from dfd.scoring.aggregate import track_scores, video_scores
from dfd.scoring.bootstrap import (
    MIN_GROUPS,
    Interval,
    auc_statistic,
    difference,
    interval_of_mean,
    intervals,
    why_no_interval,
)
from dfd.scoring.decision import THRESHOLD, Decision, with_prior
from dfd.scoring.fitting import upper_bound
from dfd.scoring.metrics import Metrics, is_fake, measure

REAL_GROUPS = 300  # with fewer, 1 % of the REAL videos is a matter of two or three of them
LEVELS = ("frame", "track", "video")  # what is scored: a crop, a track or a video


@dataclass(frozen=True)
class Judgement:
    """The metrics of one set of scored items.

    Attributes:
        metrics: The metrics.
        intervals: Their 95 % intervals by name, those that can be given.
    """

    metrics: Metrics
    intervals: dict[str, Interval]


@dataclass(frozen=True)
class Coverage:
    """How many videos get a verdict, and how often a verdict is wrong.

    Attributes:
        videos: Number of all videos, including those without a crop.
        without_face: Number of videos without a crop.
        outside_domain: Number of videos outside the detector's domain.
        inconclusive: Number of other videos whose score lies in the inconclusive band.
        coverage: Share of the videos with a verdict, 0..1.
        verdicts: Number of videos with a verdict.
        wrong: Number of verdicts that are wrong.
        error: Share of the verdicts that are wrong, 0..1; None where there is no verdict.
        error_high: Upper bound of that share with 90 % confidence, counted in groups; None where
            there is no verdict.
    """

    videos: int
    without_face: int
    outside_domain: int
    inconclusive: int
    coverage: float
    verdicts: int
    wrong: int
    error: float | None
    error_high: float | None


@dataclass(frozen=True)
class Evaluation:
    """Everything that is known about a detector on the test part.

    Attributes:
        levels: The metrics of crops (``frame``), tracks (``track``) and videos (``video``), with
            probabilities at the share of FAKE among them.
        why_no_interval: Why some intervals of videos are not given; None where all are.
        why_no_tpr: Why no ``tpr_at_fpr_1`` is given; None where it is.
        coverage: How many of all videos get a verdict.
        within: The AUC within groups; None where no fake has its source in the test part.
        baselines: The metrics of every baseline on the same videos, by its name.
        strongest: Name of the baseline with the highest AUC; ``majority`` where none has one.
        advantage: AUC of the detector minus that of the strongest baseline; None where only one
            class is present.
        advantage_interval: The paired 95 % interval of ``advantage``; None where there are too few
            groups.
        slices: The metrics of kinds of video, as a table (``dfd.evaluate.slices.slice_figures``).
        videos: One row per video with a crop: ``video``, ``label``, ``group``, ``source``,
            ``method``, ``score`` (P(FAKE) at ``PRIOR``), ``baseline`` (P(FAKE) of the strongest
            baseline), ``verdict`` and ``crops`` (their number).
        crops: The crops that were evaluated, with calibrated scores.
    """

    levels: dict[str, Judgement]
    why_no_interval: str | None
    why_no_tpr: str | None
    coverage: Coverage
    within: WithinGroups | None
    baselines: dict[str, Judgement]
    strongest: str
    advantage: float | None
    advantage_interval: Interval | None
    slices: pd.DataFrame
    videos: pd.DataFrame
    crops: pd.DataFrame


def evaluate(
    crops: pd.DataFrame,
    all_videos: pd.DataFrame,
    baselines: Mapping[str, pd.Series],
    decision: Decision,
    params: EvaluateParams,
    outside: Collection[str] = (),
) -> Evaluation:
    """Evaluate scored crops of the test part.

    Args:
        crops: One row per crop, with the columns ``video``, ``track``, ``label``, ``group``,
            ``score`` (the network's output, 0..1), ``brightness`` (mean luma, 0..255) and the face
            box ``x1``, ``y1``, ``x2`` and ``y2`` in pixels.
        all_videos: One row per video of the test part, with or without a crop, with the columns
            ``video``, ``source``, ``method``, ``width`` and ``height``.
        baselines: P(FAKE) indexed by video, by the name of the baseline; ``majority`` must be among
            them. ``dfd.evaluate.baselines.baseline_scores`` makes them.
        decision: The calibration and the inconclusive band of the detector.
        params: Number and seed of the bootstrap resamples.
        outside: Names of the videos outside the detector's domain, which get no verdict.

    Raises:
        EvaluationError: There is no crop.

    Example:
        Two videos with one crop each, and a third video in which no face was found:

        >>> import pandas as pd
        >>> from dfd.evaluate.evaluation import evaluate
        >>> from dfd.params.evaluation import EvaluateParams
        >>> from dfd.scoring.decision import Calibration, Decision
        >>> crops = pd.DataFrame({"video": ["a", "b"], "label": ["REAL", "FAKE"]})
        >>> crops = crops.assign(track=0, group="g", score=[0.2, 0.9], brightness=120.0)
        >>> crops = crops.assign(x1=0.0, y1=0.0, x2=100.0, y2=100.0)
        >>> videos = pd.DataFrame({"video": ["a", "b", "c"], "source": [None, "a", "a"]})
        >>> videos = videos.assign(method=[None, "swap", "swap"], width=640, height=360)
        >>> evaluation = evaluate(
        ...     crops,
        ...     videos,
        ...     baselines={"majority": pd.Series(0.5, index=videos["video"])},
        ...     decision=Decision(Calibration(), width=0.4),
        ...     params=EvaluateParams(bootstrap=100, seed=1),
        ... )
        >>> evaluation.levels["video"].metrics.auc, evaluation.coverage.without_face
        (1.0, 1)
        >>> evaluation.why_no_interval
        '1 groups; an interval needs 10'
    """
    if crops.empty:
        raise EvaluationError(
            "evaluate: no video of the test part has a crop; see the reasons in "
            "data/faces/manifest.parquet"
        )
    tables = {"frame": crops, "track": track_scores(crops), "video": video_scores(crops)}
    for name, table in tables.items():
        tables[name] = table.assign(score=decision.calibration.apply(table["score"]))
    facts = all_videos[["video", "source", "method", "width", "height"]]
    videos = tables["video"].merge(facts, on="video", how="left")
    videos["outside"] = videos["video"].isin(outside)
    videos["verdict"] = [
        decision.verdict(score, crops=crops)
        for score, crops in zip(videos["score"], videos["deciding_crops"], strict=True)
    ]
    videos.loc[videos["outside"], "verdict"] = "INCONCLUSIVE"

    why_no_tpr = _why_no_tpr(videos)

    def judge(table: pd.DataFrame, threshold: float) -> Judgement:
        metrics = measure(table["label"], table["score"], threshold)
        known = intervals(table, threshold, params.bootstrap, params.seed)
        if why_no_tpr:
            metrics = replace(metrics, tpr_at_fpr_1=None)
            known.pop("tpr_at_fpr_1", None)
        return Judgement(metrics, known)

    of_baselines = {
        name: judge(videos.assign(score=videos["video"].map(scores)), 0.5)
        for name, scores in baselines.items()
        if videos["video"].isin(scores.index).all()
    }
    strongest = max(
        of_baselines, key=lambda name: (of_baselines[name].metrics.auc or 0, name == MAJORITY)
    )
    videos["baseline"] = videos["video"].map(baselines[strongest])
    advantage, advantage_interval = _advantage(videos, params)
    own_mix = {name: at_own_mix(table) for name, table in tables.items()}
    return Evaluation(
        levels={name: judge(*scored) for name, scored in own_mix.items()},
        why_no_interval=why_no_interval(videos),
        why_no_tpr=why_no_tpr,
        coverage=coverage_of(videos, len(all_videos)),
        within=within_groups(videos, params.bootstrap, params.seed),
        baselines=of_baselines,
        strongest=strongest,
        advantage=advantage,
        advantage_interval=advantage_interval,
        slices=slice_figures(with_kinds(videos, crops), THRESHOLD, params.bootstrap, params.seed),
        videos=videos.drop(columns=["width", "height", "outside", "deciding_crops"]),
        crops=tables["frame"],
    )


def at_own_mix(table: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """Return items with probabilities at their own share of FAKE, and the threshold there.

    Whether probabilities are right can be seen at no other share. Order and predictions stay.

    Args:
        table: One row per item, with the columns ``label`` and ``score`` (P(FAKE) at ``PRIOR``).
            Where all items are of one class, they are returned as they are.

    Example:
        >>> import pandas as pd
        >>> from dfd.evaluate.evaluation import at_own_mix
        >>> videos = pd.DataFrame({"label": ["REAL", "FAKE", "FAKE", "FAKE"], "score": 0.5})
        >>> shifted, threshold = at_own_mix(videos)
        >>> shifted["score"].tolist(), threshold
        ([0.75, 0.75, 0.75, 0.75], 0.75)
    """
    share = float(is_fake(table["label"]).mean())
    prior = share if 0 < share < 1 else PRIOR
    threshold = float(with_prior([THRESHOLD], prior)[0])
    return table.assign(score=with_prior(table["score"], prior)), threshold


def coverage_of(scored: pd.DataFrame, videos: int) -> Coverage:
    """Count the videos that get a verdict, and the wrong verdicts.

    Args:
        scored: One row per video with a crop: ``group``, ``label``, ``verdict`` and ``outside``.
        videos: Number of all videos, including those without a crop.

    Example:
        Of four videos one is inconclusive, one has no face, and one verdict is wrong:

        >>> import pandas as pd
        >>> from dfd.evaluate.evaluation import coverage_of
        >>> scored = pd.DataFrame({"label": ["REAL", "FAKE", "FAKE"], "outside": False})
        >>> scored = scored.assign(group=["a", "b", "c"], verdict=["FAKE", "FAKE", "INCONCLUSIVE"])
        >>> coverage_of(scored, videos=4)
        Coverage(videos=4, without_face=1, outside_domain=0, inconclusive=1, coverage=0.5, ...)
    """
    given = scored[scored["verdict"] != "INCONCLUSIVE"]
    wrong = given["verdict"] != given["label"]
    of_groups = wrong.groupby(given["group"]).mean()
    high = float(upper_bound(of_groups.sum(), len(of_groups))) if len(given) else None
    outside = int(scored["outside"].sum())
    return Coverage(
        videos=videos,
        without_face=videos - len(scored),
        outside_domain=outside,
        inconclusive=len(scored) - len(given) - outside,
        coverage=len(given) / videos,
        verdicts=len(given),
        wrong=int(wrong.sum()),
        error=float(wrong.mean()) if len(given) else None,
        error_high=high,
    )


def _why_no_tpr(videos: pd.DataFrame) -> str | None:
    groups = videos.loc[videos["label"] == "REAL", "group"].nunique()
    return None if groups >= REAL_GROUPS else f"needs {REAL_GROUPS} REAL groups, there are {groups}"


def _advantage(
    videos: pd.DataFrame, params: EvaluateParams
) -> tuple[float | None, Interval | None]:
    """Return the AUC of the videos' scores minus the baseline's, and its paired interval."""
    if videos["label"].nunique() < 2:
        return None, None
    ours, theirs = auc_statistic(videos, videos["score"]), auc_statistic(videos, videos["baseline"])
    gain, resampled = difference(videos, ours, theirs, params.bootstrap, params.seed)
    groups = videos["group"].nunique()
    return gain, interval_of_mean(gain, resampled, groups) if groups >= MIN_GROUPS else None
