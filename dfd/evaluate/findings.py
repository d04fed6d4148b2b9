"""What an evaluation says in plain words, and what it does not: for the report and the card."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dfd.detector.card import DetectorCard
from dfd.evaluate.evaluation import Evaluation
from dfd.evaluate.slices import empty_slices
from dfd.scoring.wording import number, percent
from dfd.words import LEAK, counted

_FEW_GROUPS = 30
_CHANCE = 0.5


@dataclass(frozen=True)
class Findings:
    """Everything a report speaks of.

    Attributes:
        card: The detector's.
        evaluation: Its evaluation on the test part.
        split: As from ``dfd.dataset.split.summarise``.
        datasets: Names of the data sets that the videos are of.
    """

    card: DetectorCard
    evaluation: Evaluation
    split: Mapping[str, Any]
    datasets: tuple[str, ...]


def verdict(evaluation: Evaluation) -> tuple[str, str]:
    """Return what the test videos say of the detector, in two sentences."""
    return _ranking(evaluation), _verdicts(evaluation)


def _ranking(evaluation: Evaluation) -> str:
    video, videos = evaluation.levels["video"], evaluation.videos
    of = f"{counted(len(videos), 'test video')} of {counted(videos['group'].nunique(), 'group')}"
    if video.metrics.auc is None:
        return f"There is no AUC on {of}, as every video with a face is {videos['label'].iloc[0]}."
    auc, interval = number(video.metrics.auc), video.intervals.get("auc")
    sure = (
        f"95 % interval {number(interval.low)}–{number(interval.high)}"
        if interval
        else f"without an interval: {evaluation.why_no_interval}"
    )
    return f"On {of} the video AUC is {auc} ({sure}), {_beside_baseline(evaluation)}."


def _beside_baseline(evaluation: Evaluation) -> str:
    gain, interval = evaluation.advantage, evaluation.advantage_interval
    theirs = number(evaluation.baselines[evaluation.strongest].metrics.auc)
    strongest = f"the strongest baseline, {evaluation.strongest.replace('_', ' ')} (AUC {theirs})"
    if gain is None or gain <= 0:
        return f"which does not beat {strongest}"
    by = f"by {gain:.3f}"
    if interval is None:
        return f"which is {by[3:]} above {strongest}, and whether surely so cannot be said"
    by = f"{by} ({interval.low:+.3f} to {interval.high:+.3f})"
    if interval.low > 0:
        return f"which surely beats {strongest}, {by}"
    return f"which beats {strongest}, {by}, but not surely"


def _verdicts(evaluation: Evaluation) -> str:
    covered = evaluation.coverage
    if covered.error is None:
        return "It gives none of the videos a verdict."
    given = covered.videos - covered.without_face - covered.inconclusive
    return (
        f"It gives {given:,} of {counted(covered.videos, 'video')} ({percent(covered.coverage)}) "
        f"a verdict, and {percent(covered.error, 1)} of these verdicts are wrong."
    )


def limits(findings: Findings) -> list[str]:
    """Return what the figures do not show or show to be wanting, each only where it is so."""
    said = [
        *_limits_of_data(findings),
        *_limits_of_ranking(findings.evaluation),
        *_limits_of_verdicts(findings),
        *_limits_of_slices(findings.evaluation),
    ]
    return [LEAK, *said] if findings.card.leaky else said


def _limits_of_data(findings: Findings) -> list[str]:
    evaluation, card = findings.evaluation, findings.card
    groups = evaluation.videos["group"].nunique()
    said = []
    if evaluation.why_no_interval:
        said.append(
            f"Intervals are missing: {evaluation.why_no_interval}. The figures may be luck."
        )
    elif groups < _FEW_GROUPS:
        said.append(f"The test part has {groups} groups only: believe the intervals alone.")
    if len(findings.datasets) == 1:
        said.append(
            f"Trained and tested on one data set, {findings.datasets[0]}: how it does on videos of "
            "another origin is not known, and usually worse."
        )
    if card.weights == "none":
        said.append("Its weights started at random, with nothing learnt from other pictures.")
    return said


def _limits_of_ranking(evaluation: Evaluation) -> list[str]:
    said = []
    gain, within = evaluation.advantage_interval, evaluation.within
    name = evaluation.strongest.replace("_", " ")
    if evaluation.advantage is not None and (gain is None or gain.low <= 0):
        said.append(f"It does not surely beat the baseline {name}, which knows nothing of forgery.")
    baseline = evaluation.baselines[evaluation.strongest].intervals.get("auc")
    if baseline and baseline.low > _CHANCE:
        said.append(
            f"The baseline {name} alone tells the classes apart (AUC at least "
            f"{number(baseline.low)}): part of the detector's figure may not be forgery."
        )
    if within is None:
        said.append("No fake has its own source beside it in the test part: no AUC within groups.")
    elif within.auc <= _CHANCE:
        said.append(
            f"Against their own sources fakes rank no better than chance ({number(within.auc)}): "
            "it may know people or scenes, not forgery."
        )
    return said


def _limits_of_verdicts(findings: Findings) -> list[str]:
    covered, target = findings.evaluation.coverage, findings.card.params.get("target_error")
    ece = findings.evaluation.levels["video"].metrics.ece
    said = []
    if covered.without_face:
        without = counted(covered.without_face, "video")
        said.append(f"{without} of {covered.videos:,} had no usable face and got no score.")
    if covered.coverage < 0.5:
        said.append(f"Most videos get no verdict: {percent(1 - covered.coverage)}.")
    if target and covered.error is not None and covered.error > target:
        said.append(
            f"The inconclusive band aims at {percent(target)} wrong verdicts; on the test videos "
            f"{percent(covered.error, 1)} are wrong."
        )
    if ece > 0.1:
        said.append(f"Its probabilities are off by {ece:.2f} on average: read them as a ranking.")
    return said


def _limits_of_slices(evaluation: Evaluation) -> list[str]:
    said, slices = [], evaluation.slices
    poor = slices[slices["auc"] <= _CHANCE]
    if len(poor):
        kinds = "; ".join(
            f"{row['slice']} {row['value']} ({number(row['auc'])} on "
            f"{counted(row['videos'], 'video')})"
            for _, row in poor.iterrows()
        )
        said.append(f"No better than chance on: {kinds}.")
    if missing := empty_slices(slices):
        kinds = "; ".join(f"{name}: {', '.join(values)}" for name, values in missing.items())
        said.append(f"No test video is of these kinds: {kinds}.")
    return said
