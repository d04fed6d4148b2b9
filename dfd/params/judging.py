"""The sections ``evaluate``, ``robustness`` and ``register`` of ``params.yaml``."""

from typing import Annotated, ClassVar

from pydantic import Field

from dfd.params.section import Section, Seed


class EvaluateParams(Section):
    """Number of bootstrap resamples of the groups, and their seed."""

    SECTION: ClassVar[str] = "evaluate"

    bootstrap: Annotated[int, Field(ge=100)]
    seed: Seed


class RobustnessParams(Section):
    """Names of the candidates whose robustness is measured; none unless asked for."""

    SECTION: ClassVar[str] = "robustness"

    candidates: list[str]


class RegisterParams(Section):
    """The registered model, and the limits outside which a detector never leads.

    Attributes:
        model: Its name; the candidates' detectors are its versions.
        min_coverage: Least share of the test videos with a verdict.
        max_ece: Greatest expected calibration error of videos: the lower end of its interval.
        max_latency_ms: Most milliseconds a crop may take on the machine that registers.
    """

    SECTION: ClassVar[str] = "register"

    model: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
    min_coverage: Annotated[float, Field(ge=0, le=1)]
    max_ece: Annotated[float, Field(ge=0, le=1)]
    max_latency_ms: Annotated[float, Field(gt=0)]
