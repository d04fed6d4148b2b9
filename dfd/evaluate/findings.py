"""The result of an evaluation in sentences: how good the detector is, and what is not known.

The evaluation page and the model card print them. Each limit is stated only where it applies.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dfd.detector.card import DetectorCard
from dfd.evaluate.evaluation import Coverage, Evaluation
from dfd.evaluate.slices import empty_slices
from dfd.scoring.decision import why_no_verdicts
from dfd.scoring.wording import number, percent, share_of
from dfd.words import LEAK, SYNTHETIC, counted

_FEW_GROUPS = 30
_CHANCE = 0.5


@dataclass(frozen=True)
class Findings:
    """Everything that the evaluation page and the model card describe.

    Attributes:
        card: The card of the detector.
        evaluation: The evaluation of the detector on the test part.
        split: Protocol and counts of the split (``dfd.split.table.summarise``).
        datasets: Names of the data sets that the videos come from.
    """

    card: DetectorCard
    evaluation: Evaluation
    split: Mapping[str, Any]
    datasets: tuple[str, ...]


def verdict(evaluation: Evaluation) -> tuple[str, str]:
    """Return two sentences: how well the detector ranks the test videos, and on its verdicts."""
    return _ranking(evaluation), _verdicts(evaluation)


def _ranking(evaluation: Evaluation) -> str:
    video, videos = evaluation.levels["video"], evaluation.videos
    tested = (
        f"{counted(len(videos), 'test video')} of {counted(videos['group'].nunique(), 'group')}"
    )
    if video.metrics.auc is None:
        label = videos["label"].iloc[0]
        return f"There is no AUC on {tested}, as every video with a face is {label}."
    auc, interval = number(video.metrics.auc), video.intervals.get("auc")
    uncertainty = (
        f"95 % interval {number(interval.low)}–{number(interval.high)}"
        if interval
        else f"without an interval: {evaluation.why_no_interval}"
    )
    return f"On {tested} the video AUC is {auc} ({uncertainty}), {_beside_baseline(evaluation)}."


def _beside_baseline(evaluation: Evaluation) -> str:
    gain, interval = evaluation.advantage, evaluation.advantage_interval
    theirs = number(evaluation.baselines[evaluation.strongest].metrics.auc)
    strongest = f"the strongest baseline, {evaluation.strongest.replace('_', ' ')} (AUC {theirs})"
    if gain is None or gain <= 0:
        return f"which does not beat {strongest}"
    if interval is None:
        return f"which is {gain:.3f} above {strongest}; whether that is luck cannot be said"
    lead = f"by {gain:.3f} ({interval.low:+.3f} to {interval.high:+.3f})"
    if interval.low > 0:
        return f"which surely beats {strongest}, {lead}"
    return f"which beats {strongest}, {lead}, but not surely"


def _verdicts(evaluation: Evaluation) -> str:
    counts = evaluation.coverage
    if counts.error is None:
        return "It gives none of the videos a verdict."
    return (
        f"It gives {counts.verdicts:,} of {counted(counts.videos, 'video')} "
        f"({percent(counts.coverage)}) a verdict; {_wrong(counts)}."
    )


def _wrong(counts: Coverage) -> str:
    return (
        f"{share_of(counts.wrong, counts.verdicts)} verdicts are wrong (with 90 % confidence, at "
        f"most {percent(counts.error_high)})"
    )


def limits(findings: Findings) -> list[str]:
    """Return one sentence for each weakness of the detector or of what is known about it."""
    sentences = [
        *_limits_of_data(findings),
        *_limits_of_ranking(findings.evaluation),
        *_limits_of_verdicts(findings),
        *_limits_of_slices(findings.evaluation),
    ]
    return [LEAK, *sentences] if findings.card.leaky else sentences


def _limits_of_data(findings: Findings) -> list[str]:
    evaluation, card = findings.evaluation, findings.card
    groups = evaluation.videos["group"].nunique()
    sentences = [SYNTHETIC] if card.domain.synthetic else []
    if evaluation.why_no_interval:
        sentences.append(
            f"Intervals are missing: {evaluation.why_no_interval}. The metrics may be luck."
        )
    elif groups < _FEW_GROUPS:
        sentences.append(f"The test part has {groups} groups only: rely on the intervals.")
    if len(findings.datasets) == 1:
        sentences.append(
            f"Trained and tested on one data set, {findings.datasets[0]}: it was not tested on "
            "videos from elsewhere, where detectors usually do worse."
        )
    if card.weights == "none":
        sentences.append("It was not pretrained: its weights started at random.")
    return sentences


def _limits_of_ranking(evaluation: Evaluation) -> list[str]:
    sentences: list[str] = []
    gain, within = evaluation.advantage_interval, evaluation.within
    name = evaluation.strongest.replace("_", " ")
    if evaluation.advantage is not None and (gain is None or gain.low <= 0):
        sentences.append(f"It does not surely beat the baseline {name}, which cannot see forgery.")
    baseline = evaluation.baselines[evaluation.strongest].intervals.get("auc")
    if baseline and baseline.low > _CHANCE:
        sentences.append(
            f"The baseline {name} alone tells the classes apart (AUC at least "
            f"{number(baseline.low)}): part of the detector's AUC may come from what it measures."
        )
    if within is None:
        sentences.append(
            "No fake has its own source beside it in the test part: no AUC within groups."
        )
    elif within.auc <= _CHANCE:
        sentences.append(
            f"Compared with their own sources, fakes rank no better than chance "
            f"({number(within.auc)}): it may have learnt people or scenes, not forgery."
        )
    return sentences


def _limits_of_verdicts(findings: Findings) -> list[str]:
    counts, decision = findings.evaluation.coverage, findings.card.decision
    ece = findings.evaluation.levels["video"].metrics.ece
    sentences: list[str] = []
    if counts.without_face:
        without = counted(counts.without_face, "video")
        sentences.append(f"{without} of {counts.videos:,} had no usable face and got no score.")
    if counts.outside_domain:
        outside = counted(counts.outside_domain, "video")
        sentences.append(
            f"{outside} of {counts.videos:,} are unlike the training videos and got no verdict."
        )
    if counts.coverage < 0.5:
        sentences.append(f"Most videos get no verdict: {percent(1 - counts.coverage)}.")
    if why := why_no_verdicts(decision):
        sentences.append(f"It gives no verdicts: {why}.")
    promise = decision.promise
    if promise and counts.error is not None and counts.error > promise.target_error:
        sentences.append(
            f"It promises at most {percent(promise.target_error)} wrong verdicts if one video in "
            f"two is fake; on the test videos, {_wrong(counts)}."
        )
    if ece > 0.1:
        sentences.append(
            f"Its probabilities are off by {ece:.2f} on average: only their order is reliable."
        )
    return sentences


def _limits_of_slices(evaluation: Evaluation) -> list[str]:
    sentences: list[str] = []
    slices = evaluation.slices
    poor = slices[slices["auc"] <= _CHANCE]
    if len(poor):
        kinds = "; ".join(
            f"{row['slice']} {row['value']} ({number(row['auc'])} on "
            f"{counted(row['videos'], 'video')})"
            for _, row in poor.iterrows()
        )
        sentences.append(f"No better than chance on: {kinds}.")
    if missing := empty_slices(slices):
        kinds = "; ".join(f"{name}: {', '.join(values)}" for name, values in missing.items())
        sentences.append(f"No test video is of these kinds: {kinds}.")
    return sentences
