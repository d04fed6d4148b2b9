import re
from dataclasses import replace

import pytest

from dfd.evaluate.findings import limits, verdict
from dfd.evaluate.report import model_card
from dfd.scoring.decision import Calibration, Decision, Promise
from tests.evaluate.subject import evaluation, findings

SURE = evaluation(40, gain=6.0)


def test_a_sure_detector_is_said_to_be_one() -> None:
    ranking, verdicts = verdict(SURE)
    interval = SURE.levels["video"].intervals["auc"]
    assert f"95 % interval {interval.low:.3f}–{interval.high:.3f}" in ranking
    assert "surely beats the strongest baseline" in ranking
    assert "It gives 80 of 80 videos (100 %) a verdict" in verdicts


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        (evaluation(12, gain=-0.1), "but not surely"),
        (evaluation(12, gain=-6.0), "does not beat the strongest baseline"),
        (evaluation(4), "without an interval: 4 groups; an interval needs 10"),
        (evaluation(12, classes=("FAKE",)), "There is no AUC .* every video with a face is FAKE"),
    ],
)
def test_what_is_not_sure_is_not_claimed(judged, said: str) -> None:
    ranking, _ = verdict(judged)
    assert "surely beats" not in ranking
    assert re.search(said, ranking), ranking


LIMITS = {
    "leak": "LEAKY",
    "synthetic": "rendered people only",
    "few": "Intervals are missing",
    "groups": "groups only",
    "one data set": "one data set",
    "random": "started at random",
    "baseline": "not surely beat",
    "pairs": "own source beside it",
    "identity": "no better than chance",
    "verdicts": "promises at most",
    "slices": "No better than chance on: face size",
    "unseen": "No test video is of these kinds",
}


def test_nothing_is_derived_from_a_slice_of_few_groups() -> None:
    few = findings(evaluation(4, gain=-6.0))
    assert not any("No better than chance on" in limit for limit in limits(few))


def test_a_detector_that_promises_nothing_is_said_to_give_no_verdicts() -> None:
    promise = Promise(target_error=0.05, bound=None, groups=14, missing=31, carried=0.16)
    decision = Decision(Calibration(), None, promise=promise)
    what = findings(SURE)
    silent = replace(what, card=what.card.model_copy(update={"decision": decision}))
    (said,) = [limit for limit in limits(silent) if "no verdicts" in limit]
    assert "at least 31 more groups" in said
    assert "target_error: 0.16" in said
    assert said in model_card(silent).replace("\\", "")


@pytest.mark.parametrize(
    ("what", "true"),
    [
        (findings(SURE), {"unseen"}),
        (findings(SURE, leaky=True), {"leak", "unseen"}),
        (findings(SURE, synthetic=True), {"synthetic", "unseen"}),
        (findings(SURE, weights="none"), {"random", "unseen"}),
        (findings(SURE, datasets=("one",)), {"one data set", "unseen"}),
        (findings(evaluation(20, gain=6.0)), {"groups", "unseen"}),
        (
            findings(evaluation(12, gain=-6.0)),
            {"groups", "baseline", "identity", "verdicts", "slices", "unseen"},
        ),
        (findings(evaluation(12, gain=6.0, classes=("FAKE",))), {"few", "pairs", "unseen"}),
    ],
)
def test_a_limit_is_stated_only_when_it_is_true(what, true: set[str]) -> None:
    said = "\n".join(limits(what))
    assert {name for name, words in LIMITS.items() if words in said} == true
