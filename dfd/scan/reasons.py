"""Why there is no verdict, and what to keep in mind where there is one: one table of reasons.

A *decisive* reason goes with the verdict INCONCLUSIVE. It arises only where an evaluation counts no
verdict either: no crop, or a probability in the detector's inconclusive band. Every other reason is
a caution and changes no verdict. A new reason is a line of ``REASONS`` and the code that yields it;
the pages, the JSON schema and ``docs/scan.md`` follow the table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from dfd.detector.domain import Domain
from dfd.faces.record import VideoFaces
from dfd.scan.record import Reason
from dfd.scoring.decision import Decision
from dfd.words import counted


@dataclass(frozen=True)
class Kind:
    """One kind of reason.

    Attributes:
        code: Its name in a verdict record.
        decisive: Whether there is no verdict because of it.
        sentence: What it means, for a reader without training.
    """

    code: str
    decisive: bool
    sentence: str


_KINDS = (
    Kind("unreadable", True, "The file could not be read as a video."),
    Kind("no_face", True, "No face was found in it, and this detector judges nothing but faces."),
    Kind("face_too_small", True, "The faces in it are too small to be judged."),
    Kind(
        "between",
        True,
        "The detector cannot tell: where it is this unsure, it has been wrong too often.",
    ),
    Kind("time_limit", True, "It took longer than it may to look into the file."),
    Kind("memory_limit", True, "The file needed more memory than it may take."),
    Kind("crash", True, "The file broke the program that reads it."),
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
        "outside_domain",
        False,
        "The faces are larger or smaller than nearly all that the detector was trained on.",
    ),
)
REASONS = {kind.code: kind for kind in _KINDS}

_FEW = 4  # judged frames below which one frame more may turn a verdict
_SCARCE = 0.25  # share of the sampled frames below which most of the video is not judged
_FAR = 1.25  # times beyond what was usual in training, where a video is not like it


def why_none(faces: VideoFaces, probability: float | None, decision: Decision) -> Iterator[Reason]:
    """Yield why a video gets no verdict; nothing where it gets one."""
    if faces.reason:
        yield Reason(code=faces.reason, detail=faces.detail)
    elif probability is not None and decision.verdict(probability) == "INCONCLUSIVE":
        low, high = decision.inconclusive
        yield Reason(
            code="between",
            detail=f"the probability, {probability:.2f}, lies between {low:.2f} and {high:.2f}, "
            "where the detector is wrong too often to say",
        )


def cautions(faces: VideoFaces, domain: Domain) -> Iterator[Reason]:
    """Yield what to keep in mind about a video with crops; none of it changes the verdict.

    Args:
        faces: What was found.
        domain: What the detector was trained on.
    """
    if not faces.crops:
        return
    if faces.kept < _FEW or faces.kept < _SCARCE * faces.asked:
        frames = counted(faces.asked, "sampled frame")
        yield Reason(code="few_faces", detail=f"only {faces.kept} of {frames} could be judged")
    size = median(crop.face.size for crop in faces.crops)
    low, high = domain.face_size
    if size * _FAR < low or size > _FAR * high:
        kind = "small" if size < low else "large"
        yield Reason(
            code="outside_domain",
            detail=f"the faces are {kind}, {size:.0f} pixels; the detector was trained on faces of "
            f"{low:.0f} to {high:.0f}",
        )
    sharpness = median(crop.sharpness for crop in faces.crops)
    if sharpness * _FAR < domain.sharpness[0]:
        yield Reason(
            code="low_quality",
            detail="the faces are more blurred than those the detector was trained on",
        )
