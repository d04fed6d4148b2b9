"""The sections ``evaluate``, ``robustness`` and ``register`` of ``params.yaml``."""

from typing import Annotated, ClassVar

from pydantic import Field

from dfd.params.section import Section, Seed


class EvaluateParams(Section):
    """The section ``evaluate``: how the intervals of an evaluation are computed.

    Attributes:
        bootstrap: Number of bootstrap resamples of the groups.
        seed: Seed of the resamples.
    """

    SECTION: ClassVar[str] = "evaluate"

    bootstrap: Annotated[int, Field(ge=100)]
    seed: Seed


class RobustnessParams(Section):
    """The section ``robustness``: what is measured under compression, blur and the like.

    Attributes:
        candidates: Names of the candidates to measure; none by default.
    """

    SECTION: ClassVar[str] = "robustness"

    candidates: list[str]


class RegisterParams(Section):
    """The section ``register``: the registered model, and the limits for promoting a detector.

    A detector outside a limit never becomes the champion.

    Attributes:
        model: Name of the registered model; the detectors of all candidates are its versions.
        min_coverage: Least share of the test videos with a verdict, 0..1.
        max_error: Upper limit, 0..1, for the upper bound, with 90 % confidence, of the share of
            verdicts on the test part that are wrong.
        max_ece: Upper limit, 0..1, for the lower end of the interval of the expected calibration
            error on videos.
        max_latency_ms: Most milliseconds that the detector may take per crop, on the machine that
            registers it.
    """

    SECTION: ClassVar[str] = "register"

    model: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
    min_coverage: Annotated[float, Field(ge=0, le=1)]
    max_error: Annotated[float, Field(gt=0, le=1)]
    max_ece: Annotated[float, Field(ge=0, le=1)]
    max_latency_ms: Annotated[float, Field(gt=0)]
