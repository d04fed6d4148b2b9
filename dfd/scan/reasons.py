"""The table of reasons: why a video gets no verdict, or why its verdict needs caution.

A *decisive* reason accompanies the verdict INCONCLUSIVE. It is given exactly where an evaluation
counts no verdict either: there is no crop, the video is unlike the training videos, the detector
gives no verdicts, the probability lies in its inconclusive band, or the face was seen too rarely.
Every other reason is a caution and changes no verdict. To add a reason, add a line to ``REASONS``
and the code that yields it; the pages and the JSON schema use the table, and a test compares
``docs/scan.md`` with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from dfd.detector.domain import Domain
from dfd.faces.record import VideoFaces
from dfd.labels import PRIOR
from dfd.scan.record import DomainCheck, Reason
from dfd.scoring.aggregate import FEWEST_CROPS
from dfd.scoring.decision import Decision, why_no_verdicts, with_prior
from dfd.words import counted, if_fake


@dataclass(frozen=True)
class Kind:
    """One kind of reason.

    Attributes:
        code: Name of the reason in a verdict record.
        decisive: Whether the reason prevents a verdict; otherwise it is a caution.
        sentence: Meaning of the reason, for a reader without training.
    """

    code: str
    decisive: bool
    sentence: str


_KINDS = (
    Kind("unreadable", True, "The file could not be read as a video."),
    Kind("no_face", True, "No face was found in it, and this detector judges nothing but faces."),
    Kind("face_too_small", True, "The faces in it are too small to be judged."),
    Kind(
        "outside_domain",
        True,
        "It looks unlike every kind of video that the detector learnt from, and would be a guess.",
    ),
    Kind(
        "no_domain",
        True,
        "The detector does not know which kinds of video it learnt from, so it might be guessing.",
    ),
    Kind(
        "between",
        True,
        "The detector cannot tell: where it is this unsure, it has been wrong too often.",
    ),
    Kind(
        "few_crops",
        True,
        "The face was seen too rarely for a verdict by this detector.",
    ),
    Kind(
        "no_promise",
        True,
        "The detector cannot promise how often its verdicts are right, and therefore gives none.",
    ),
    Kind(
        "against_prior",
        True,
        "What the faces show is no ground for a verdict at the share of fakes that was stated.",
    ),
    Kind("time_limit", True, "Scanning the file took longer than the time limit."),
    Kind("memory_limit", True, "Scanning the file needed more memory than the limit."),
    Kind("crash", True, "The file crashed the program that reads it."),
    Kind("still", False, "It is a still picture, which shows less than a video."),
    Kind(
        "few_faces",
        False,
        "Fewer than four frames, or than a quarter of the sampled ones, could be judged.",
    ),
    Kind(
        "low_quality",
        False,
        "The faces are more blurred than nearly all that the detector was trained on.",
    ),
    Kind(
        "unusual_size",
        False,
        "The faces are larger or smaller than nearly all that the detector was trained on.",
    ),
)
REASONS = {kind.code: kind for kind in _KINDS}  # by code, the decisive reasons first

_SCARCE = 0.25  # below this share of judged frames, most of the video has not been judged
_TOLERANCE = 1.25  # factor beyond the training data's usual range at which a caution is given


def why_none(
    faces: VideoFaces,
    check: DomainCheck | None,
    probability: float | None,
    decision: Decision,
    prior: float = PRIOR,
    crops: int | None = None,
) -> Iterator[Reason]:
    """Yield the reason why a video gets no verdict, or nothing where it gets a verdict.

    Args:
        faces: The crops of the video, and counts of its frames.
        check: How far the video lies from the training videos; None without a crop.
        probability: Calibrated P(FAKE) of the video at the prior, 0..1; None without a crop, and
            for a video outside the domain.
        decision: How the detector's probabilities become verdicts.
        prior: Share of FAKE among the videos that are judged, between 0 and 1.
        crops: Number of crops of the track that decides; None for as many as a verdict needs.

    Example:
        >>> from dfd.scoring.decision import Calibration
        >>> decision = Decision(Calibration(), width=0.4)
        >>> faces = VideoFaces(60, 1, 1, 1, 1, 1, crops=(), reason=None, detail="")
        >>> usual = DomainCheck(distance=1.0, limit=1.5, differences=())
        >>> [reason.code for reason in why_none(faces, usual, 0.55, decision)]
        ['between']
        >>> list(why_none(faces, usual, 0.95, decision))
        []
        >>> unlike = DomainCheck(distance=2.0, limit=1.5, differences=("sharper", "less noisy"))
        >>> next(why_none(faces, unlike, None, decision)).detail
        'the faces are sharper and less noisy than in any video the detector learnt from'
    """
    if faces.reason:
        yield Reason(code=faces.reason, detail=faces.detail)
    elif check and not check.inside:
        yield _outside(check)
    elif why := why_no_verdicts(decision):
        yield Reason(code="no_promise", detail=why)
    elif probability is not None and decision.verdict(probability, prior) == "INCONCLUSIVE":
        yield _between(probability, decision, prior)
    elif crops is not None and crops < decision.fewest_crops:
        yield Reason(
            code="few_crops",
            detail=f"the face that decides was seen in {counted(crops, 'frame')}; a verdict needs "
            f"{decision.fewest_crops}",
        )


def _between(probability: float, decision: Decision, prior: float) -> Reason:
    low, high = decision.band(prior)
    at_half = float(with_prior(probability, 1 - prior))
    if decision.verdict(at_half) == "INCONCLUSIVE":
        code, why = "between", "where the detector is wrong too often to say"
    else:
        code, why = "against_prior", f"although it would be {at_half:.2f} {if_fake(PRIOR)}"
    detail = f"the probability, {probability:.2f}, lies between {low:.2f} and {high:.2f}, {why}"
    return Reason(code=code, detail=detail)


def _outside(check: DomainCheck) -> Reason:
    if check.limit is None:
        return Reason(
            code="no_domain",
            detail="the detector's card is of an older version, without what its videos look like; "
            "train it again",
        )
    if not check.differences:
        detail = (
            "no property of the faces by itself is new to the detector, but their combination is"
        )
    else:
        *others, last = check.differences
        listed = f"{', '.join(others)} and {last}" if others else last
        detail = f"the faces are {listed} than in any video the detector learnt from"
    return Reason(code="outside_domain", detail=detail)


def cautions(faces: VideoFaces, domain: Domain) -> Iterator[Reason]:
    """Yield the reasons why the verdict on a video needs caution; they change no verdict.

    Args:
        faces: The crops of the video, and counts of its frames. Without a crop there is no
            caution, because there is no verdict.
        domain: Summary of the videos that the detector was trained on.
    """
    if not faces.crops:
        return
    if faces.frames == 1:
        yield Reason(
            code="still",
            detail="it is a single picture: nothing shows whether other pictures of the same face "
            "would have been judged alike, so there is no interval",
        )
    elif faces.kept < FEWEST_CROPS or faces.kept < _SCARCE * faces.asked:
        frames = counted(faces.asked, "sampled frame")
        yield Reason(code="few_faces", detail=f"only {faces.kept} of {frames} could be judged")
    size = median(crop.face.size for crop in faces.crops)
    low, high = domain.face_size
    if size * _TOLERANCE < low or size > _TOLERANCE * high:
        extreme = "small" if size < low else "large"
        yield Reason(
            code="unusual_size",
            detail=f"the faces are {extreme}, {size:.0f} pixels; the detector was trained on faces "
            f"of {low:.0f} to {high:.0f}",
        )
    sharpness = median(crop.sharpness for crop in faces.crops)
    if sharpness * _TOLERANCE < domain.sharpness[0]:
        yield Reason(
            code="low_quality",
            detail="the faces are more blurred than those the detector was trained on",
        )
