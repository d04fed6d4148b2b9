"""The verdict record: the result of scanning one file, as versioned JSON.

The schema of the JSON is ``dfd/scan/verdict.schema.json``, which ``python -m dfd.scan.schema``
makes from these classes and their docstrings. Within a version, no field is renamed or given
another meaning, but fields may be added. All scores are 0..1, from REAL to FAKE. Only the video has
a probability; the scores of people and frames are on the same scale at a prior of one half.
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from dfd.labels import PRIOR
from dfd.params.faces import CropParams

SCHEMA: Final = "dfd.verdict/1"

Verdict = Literal["REAL", "FAKE", "INCONCLUSIVE"]
Box = tuple[float, float, float, float]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ScannedFile(_Part):
    """The scanned file.

    Attributes:
        name: File name without its folder; bytes that are not UTF-8 are written like ``\\xff``.
        sha256: SHA-256 of the content in hexadecimal; empty where the file cannot be read.
        size: Size in bytes.
        path: Path as the user gave it on the command line; None for an upload.
    """

    name: str
    sha256: str
    size: int
    path: str | None = None


class Video(_Part):
    """The video stream of the file.

    Attributes:
        duration_s: Length in seconds; None where the container states none.
        width: Width of the upright picture in square pixels.
        height: Height of the upright picture in square pixels.
        frames: Number of frames.
    """

    duration_s: float | None
    width: int
    height: int
    frames: int


class Reason(_Part):
    """Why there is no verdict, or why the verdict needs caution.

    Attributes:
        code: A code of ``dfd.scan.reasons.REASONS``, the table that tells what each code means and
            whether it prevents a verdict.
        detail: One line with the facts of this file.
    """

    code: str
    detail: str


class Coverage(_Part):
    """How many frames the verdict rests on.

    Attributes:
        asked: Number of frames that were sampled.
        decoded: Number of sampled frames that could be decoded.
        with_face: Number of decoded frames in which a face was detected.
        judged: Number of frames with at least one judged crop.
        share: ``judged`` divided by ``asked``; 0 where no frame was sampled.
    """

    asked: int
    decoded: int
    with_face: int
    judged: int
    share: float


class DomainCheck(_Part):
    """How far the file lies from the videos that the detector was trained on.

    Attributes:
        distance: Mahalanobis distance of the image statistics of its faces, about 1 for a usual
            training video; None where the detector's card does not hold what it takes.
        limit: Greatest distance at which the detector gives a verdict; None as above.
        differences: In what the file differs from every training video, such as ``sharper``.
    """

    distance: float | None
    limit: float | None
    differences: tuple[str, ...]

    @property
    def inside(self) -> bool:
        """Whether the detector may judge the file."""
        if self.distance is None or self.limit is None:
            return False
        return self.distance <= self.limit


class TrackFrame(_Part):
    """One crop of a track.

    Attributes:
        frame: Index of the frame in the video, from 0.
        time_s: Seconds since the first frame of the video.
        box: Face box (left, top, right, bottom) in pixels of the upright frame.
        score: Score of the crop, 0..1, which is no probability.
    """

    frame: int
    time_s: float
    box: Box
    score: float


class Track(_Part):
    """One person's face through the video.

    Attributes:
        track: Number of the track, from 0.
        score: Score of the track, 0..1, which is no probability.
        frames: Crops of the track, ordered by time.
    """

    track: int
    score: float
    frames: tuple[TrackFrame, ...]


class FrameScore(_Part):
    """The score of a judged frame.

    Attributes:
        frame: Index of the frame in the video, from 0.
        time_s: Seconds since the first frame of the video.
        score: The highest score among the faces of the frame.
    """

    frame: int
    time_s: float
    score: float


class Model(_Part):
    """The detector that judged the file.

    Attributes:
        name: Directory or registry address by which the user named the detector.
        version: Version of the detector in the registry; None if it has none.
        candidate: Name of its training parameters.
        backbone: Name of its network.
        sha256: Identity of the detector: SHA-256 of its card.
        leaky: Whether the detector's training and test videos share people or recordings, so that
            its figures and verdicts cannot be believed.
        synthetic: Whether the detector has learnt from rendered people only.
    """

    name: str
    version: str | None
    candidate: str
    backbone: str
    sha256: str
    leaky: bool
    synthetic: bool


class Provenance(_Part):
    """What the C2PA manifest of the file claims. It changes no verdict.

    Attributes:
        state: ``Trusted`` (the signature is valid and its certificate is on the reader's list of
            trusted ones), ``Valid`` (the signature and the content's hash are valid, whoever
            signed), ``Invalid``, or ``Unreadable`` (the manifest or its container is damaged, so
            that nothing is known of its claims).
        signer: Organisation or name in the certificate; None where it states neither.
        signed_at: Time of signing as the manifest states it; None where it states none.
        generator: Program that made the manifest; None where it is not named.
        sources: How the content was made: the last parts of IPTC digital source types, such as
            ``trainedAlgorithmicMedia`` or ``digitalCapture``.
    """

    state: str
    signer: str | None
    signed_at: str | None
    generator: str | None
    sources: tuple[str, ...]


class VerdictRecord(_Part):
    """The result of scanning one file.

    Attributes:
        record: Name and version of the schema.
        file: The scanned file.
        video: The video stream of the file; None where no frame can be decoded.
        verdict: ``REAL``, ``FAKE`` or ``INCONCLUSIVE``.
        probability: P(FAKE) of the video, if the share ``prior`` of such videos is FAKE; None where
            nothing could be judged, and outside the detector's domain unless it was asked for.
        interval: 95 % interval of the probability, from the spread over the crops of the track
            that decided; None if that track has fewer than two crops.
        reasons: Why there is no verdict, or why the verdict needs caution.
        coverage: How many frames the verdict rests on.
        tracks: The judged people, ordered by number.
        frames: The score of each judged frame, ordered by time.
        model: The detector that judged the file.
        crop: How faces were found and cropped.
        seconds: Wall-clock time of the scan in seconds.
        domain: How far the file lies from the videos that the detector was trained on; None where
            there is no crop.
        prior: Share of FAKE, 0..1, that the probability supposes: 0.5 unless another was given.
        provenance: What the C2PA manifest of the file claims; None where the file has no manifest
            or the reader is not installed, which proves nothing.
    """

    record: Literal["dfd.verdict/1"] = SCHEMA
    file: ScannedFile
    video: Video | None
    verdict: Verdict
    probability: float | None
    interval: tuple[float, float] | None
    reasons: tuple[Reason, ...]
    coverage: Coverage
    tracks: tuple[Track, ...]
    frames: tuple[FrameScore, ...]
    model: Model
    crop: CropParams
    seconds: float
    domain: DomainCheck | None = None
    prior: float = PRIOR
    provenance: Provenance | None = None
