"""The verdict record: what a scan of one file says, as versioned JSON.

Its schema is ``dfd/scan/verdict.schema.json``. A field is never renamed or given another meaning
within a version; new ones may join. All scores and probabilities are P(FAKE), calibrated, 0..1.
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from dfd.params.faces import CropParams

SCHEMA: Final = "dfd.verdict/1"

Verdict = Literal["REAL", "FAKE", "INCONCLUSIVE"]
Box = tuple[float, float, float, float]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ScannedFile(_Part):
    """The file.

    Attributes:
        name: The last part of its name; bytes that are no UTF-8 as ``\\xff``.
        sha256: Of its content, in hexadecimal; empty where it cannot be read.
        size: Bytes.
        path: Its name as a command was given it; None for an upload.
    """

    name: str
    sha256: str
    size: int
    path: str | None = None


class Video(_Part):
    """What was found in the file: seconds, pixels (upright) and frames of its video stream."""

    duration_s: float | None
    width: int
    height: int
    frames: int


class Reason(_Part):
    """Why a verdict is not to be had, or to be taken with care.

    Attributes:
        code: A code of ``dfd.scan.reasons.REASONS``, the table that says what each means and
            whether there is no verdict because of it.
        detail: One line for a reader.
    """

    code: str
    detail: str


class Coverage(_Part):
    """Sampled frames: asked for, decoded, with any face, with a judged crop; share of the last."""

    asked: int
    decoded: int
    with_face: int
    judged: int
    share: float


class TrackFrame(_Part):
    """One crop of a track: frame's index and time in seconds, face box in pixels, score."""

    frame: int
    time_s: float
    box: Box
    score: float


class Track(_Part):
    """One person's face through the video: its number, score, and its crops by time."""

    track: int
    score: float
    frames: tuple[TrackFrame, ...]


class FrameScore(_Part):
    """A sampled frame's score: the highest of its faces."""

    frame: int
    time_s: float
    score: float


class Model(_Part):
    """The detector: directory or registry address it was named by, its hash, and what it is."""

    name: str
    version: str | None
    candidate: str
    backbone: str
    sha256: str
    leaky: bool


class Provenance(_Part):
    """What the C2PA manifest in the file claims; it changes no verdict.

    Attributes:
        state: ``Trusted`` (signed by whom the reader trusts), ``Valid`` (the signature and the
            content's hash hold, whoever signed) or ``Invalid``.
        signer: Organisation or name in the certificate; None where it has none.
        signed_at: When, as a trusted or claimed time says it; None without one.
        generator: Program that made the claim; None where it is not named.
        sources: How the content came about, the last parts of IPTC's digital source types, such as
            ``trainedAlgorithmicMedia`` or ``digitalCapture``.
    """

    state: str
    signer: str | None
    signed_at: str | None
    generator: str | None
    sources: tuple[str, ...]


class VerdictRecord(_Part):
    """What a scan says of one file.

    Attributes:
        record: The schema's name and version.
        file: The file.
        video: What is in it; None where it cannot be read.
        verdict: ``REAL``, ``FAKE`` or ``INCONCLUSIVE``.
        probability: P(FAKE) of the video, calibrated; None where nothing could be judged.
        interval: Its 95 % interval from the spread over frames of the deciding track; None with
            fewer than two crops.
        reasons: Why there is no verdict, or what to keep in mind.
        coverage: What became of the sampled frames.
        tracks: The people that were judged, by number.
        frames: Scores over time.
        model: What judged.
        crop: How faces were found and cropped.
        seconds: Wall-clock time the scan took.
        provenance: What a C2PA manifest in the file says; None where there is none or it was not
            looked for, which proves nothing.
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
    provenance: Provenance | None = None
