"""Errors a user can act on: one line that names the file or key, what is wrong and what to do."""


class DfdError(Exception):
    """Base of every error this project raises on purpose; shown as one line, exit code 2."""

    @property
    def line(self) -> str:
        """The message, on one line whatever the names of files in it."""
        return "\\n".join(str(self).splitlines())


class ParamsError(DfdError):
    """A key of ``params.yaml`` is missing, unknown or out of range."""


class DatasetError(DfdError):
    """The data set folder, its labels or its index cannot be used."""


class SplitError(DfdError):
    """The split cannot be made, or a part lacks a class."""


class VideoError(DfdError):
    """One video cannot be opened or decoded."""


class ScanError(DfdError):
    """There is nothing to scan, or nothing to scan with."""


class VideoGivenUp(DfdError):
    """One video took more time or memory than it may, or brought its worker down.

    Attributes:
        reason: ``time_limit``, ``memory_limit``, ``crash`` or ``unreadable``.
        detail: What happened, in one line.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)  # both, so that the error can be pickled
        self.reason, self.detail = reason, detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class WeightsError(DfdError):
    """Pretrained weights cannot be fetched, read or verified."""


class WheelError(DfdError):
    """A published wheel, or a file in it, cannot be had.

    Attributes:
        problem: What is wrong with its content, as the end of a sentence about it.
    """

    def __init__(self, requirement: str, problem: str) -> None:
        super().__init__(requirement, problem)  # both, so that the error can be pickled
        self.requirement, self.problem = requirement, problem

    def __str__(self) -> str:
        return f"files of {self.requirement} {self.problem}; check that pip reaches its index"


class OnnxError(DfdError):
    """ONNX Runtime cannot load a network; the caller raises its own error, which names the file."""


class FacesError(DfdError):
    """Crops are missing or do not match their manifest."""


class TrainError(DfdError):
    """Training cannot start or cannot go on."""


class DetectorError(DfdError):
    """A detector directory is missing, incomplete or damaged."""


class EvaluationError(DfdError):
    """An evaluation has nothing to measure or does not match its detector."""


class RegistryError(DfdError):
    """The model registry cannot take or return a detector."""
