import re
from dataclasses import replace

import numpy as np
import pytest

from dfd.detector.domain import Domain
from dfd.faces.face import Face
from dfd.faces.record import Crop, VideoFaces, no_crops
from dfd.scan.reasons import REASONS, cautions, why_none
from dfd.scan.record import DomainCheck
from dfd.scoring.decision import Calibration, Decision, Promise
from tests.data import ROOT

DOMAIN = Domain(
    datasets=("sample",),
    methods=("feather",),
    real_videos=3,
    fake_videos=4,
    face_size=(100.0, 260.0),
    sharpness=(20.0, 2000.0),
)
INSIDE = DomainCheck(distance=1.0, limit=1.5, differences=())


def faces(kept: int, asked: int, side: float = 200.0) -> VideoFaces:
    face = Face((0.0, 0.0, side, side), ((0.0, 0.0),) * 5, 0.9)
    crops = tuple(Crop(n, n / 25, 0, face, 100.0, b"") for n in range(kept))
    return VideoFaces(asked, asked, asked, kept, kept, 1, crops, None, "")


def codes(video_faces: VideoFaces) -> list[str]:
    return [reason.code for reason in cautions(video_faces, DOMAIN)]


@pytest.mark.parametrize("width", [0.4, 0.0, None])
def test_there_is_a_reason_exactly_where_an_evaluation_counts_no_verdict(width) -> None:
    decision = Decision(Calibration(), width)
    for probability in np.linspace(0, 1, 21):
        reasons = list(why_none(faces(8, 8), INSIDE, float(probability), decision))
        assert bool(reasons) == (decision.verdict(probability) == "INCONCLUSIVE")
    lost = no_crops("no_face", "no face scores 0.8")
    assert [reason.code for reason in why_none(lost, None, None, decision)] == ["no_face"]


def test_without_a_promise_the_reason_says_how_many_groups_are_missing() -> None:
    promise = Promise(target_error=0.05, bound=None, groups=14, missing=31, carried=0.16)
    decision = Decision(Calibration(), None, promise=promise)
    (reason,) = why_none(faces(8, 8), INSIDE, 0.99, decision)
    assert reason.code == "no_promise"
    assert "at least 31 more groups of validation videos" in reason.detail
    assert reason.detail.endswith("its 14 groups can keep target_error: 0.16")
    (older,) = why_none(faces(8, 8), INSIDE, 0.99, Decision(Calibration(), None))
    assert older.code == "no_promise"
    assert "of an older version" in older.detail


@pytest.mark.parametrize(("probability", "verdict"), [(0.95, "FAKE"), (0.05, "REAL")])
def test_a_face_seen_less_than_four_times_gives_no_verdict(
    probability: float, verdict: str
) -> None:
    decision = Decision(Calibration(), width=1.0)
    (reason,) = why_none(faces(8, 8), INSIDE, probability, decision, crops=3)
    assert reason.code == "few_crops"
    assert reason.detail == "the face that decides was seen in 3 frames; a verdict needs 4"
    assert decision.verdict(probability, crops=3) == "INCONCLUSIVE"
    assert list(why_none(faces(8, 8), INSIDE, probability, decision, crops=4)) == []
    assert decision.verdict(probability, crops=4) == verdict


def test_a_prior_that_takes_a_verdict_away_is_named() -> None:
    decision = Decision(Calibration(), width=1.0)
    (reason,) = why_none(faces(8, 8), INSIDE, 0.32, decision, prior=0.05)
    assert reason.code == "against_prior"
    assert reason.detail == (
        "the probability, 0.32, lies between 0.02 and 0.73, although it would be 0.90 if one video "
        "in two were fake"
    )
    (reason,) = why_none(faces(8, 8), INSIDE, 0.05, decision, prior=0.05)
    assert reason.code == "between"
    assert list(why_none(faces(8, 8), INSIDE, 0.9, decision, prior=0.05)) == []


def test_outside_the_domain_the_reason_says_what_is_unlike() -> None:
    decision = Decision(Calibration(), width=0.0)
    details = []
    for differences in [("sharper", "less noisy", "redder"), ("darker",), ()]:
        check = DomainCheck(distance=1.6, limit=1.5, differences=differences)
        (reason,) = why_none(faces(8, 8), check, 0.9, decision)
        assert reason.code == "outside_domain"
        details.append(reason.detail)
    assert details == [
        "the faces are sharper, less noisy and redder than in any video the detector learnt from",
        "the faces are darker than in any video the detector learnt from",
        "no property of the faces by itself is new to the detector, but their combination is",
    ]
    unknown = DomainCheck(distance=None, limit=None, differences=())
    assert [r.code for r in why_none(faces(8, 8), unknown, None, decision)] == ["no_domain"]


@pytest.mark.parametrize(
    ("kept", "asked", "few"), [(32, 32, False), (8, 32, False), (7, 32, True), (3, 3, True)]
)
def test_few_judged_frames_are_a_caution(kept: int, asked: int, few: bool) -> None:
    assert ("few_faces" in codes(faces(kept, asked))) == few


@pytest.mark.parametrize(
    ("side", "sharpness", "expected"),
    [
        (90.0, 100.0, []),
        (70.0, 100.0, ["unusual_size"]),
        (400.0, 100.0, ["unusual_size"]),
        (200.0, 2.0, ["low_quality"]),
        (30.0, 2.0, ["unusual_size", "low_quality"]),
    ],
)
def test_what_is_unlike_the_training_is_a_caution(side: float, sharpness: float, expected) -> None:
    judged = faces(16, 16, side)
    crops = tuple(replace(crop, sharpness=sharpness) for crop in judged.crops)
    assert codes(replace(judged, crops=crops)) == expected
    a_few = (*crops[:7], *faces(16, 16).crops[7:])
    assert codes(replace(judged, crops=a_few)) == []


def test_a_video_without_a_crop_needs_no_caution() -> None:
    assert list(cautions(no_crops("crash", "its process died"), DOMAIN)) == []


def test_the_documentation_lists_every_reason_as_the_table_words_it() -> None:
    text = (ROOT / "docs/scan.md").read_text()
    listed = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE))
    assert listed.items() >= {kind.code: kind.sentence for kind in REASONS.values()}.items()


def test_every_reason_that_a_video_can_have_is_in_the_table() -> None:
    given_up = ("time_limit", "memory_limit", "crash", "unreadable")
    extraction = ("unreadable", "no_face", "face_too_small")
    decisive = {kind.code for kind in REASONS.values() if kind.decisive}
    assert decisive == {
        *(
            *given_up,
            *extraction,
            "outside_domain",
            "no_domain",
            "between",
            "few_crops",
            "no_promise",
            "against_prior",
        )
    }
