"""Errors that a user can act on.

Each message is one line: which file or key is concerned, what is wrong, and what to do.
"""


class DfdError(Exception):
    """Base of every error that this project raises on purpose.

    Commands print its ``line`` and exit with code 2.

    Example:
        >>> print(DfdError("two\\nlines.mp4: is empty").line)
        two\\nlines.mp4: is empty
    """

    @property
    def line(self) -> str:
        """The message on one line; what cannot be printed in file names is escaped."""
        return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in str(self))


class ParamsError(DfdError):
    """A key of ``params.yaml`` is missing, unknown or out of range."""


class DatasetError(DfdError):
    """The folder of the data set, its labels or its index cannot be used."""


class SplitError(DfdError):
    """The split cannot be made, does not fit the index, or leaks."""


class VideoError(DfdError):
    """A video cannot be opened or decoded."""


class ScanError(DfdError):
    """There is no video to scan, or no detector to scan it with."""


class VideoGivenUp(DfdError):
    """Work on a video was stopped: it exceeded a limit or its worker process died.

    Attributes:
        reason: ``time_limit``, ``memory_limit``, ``crash`` or ``unreadable``.
        detail: What happened, in one line of plain text.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)  # pickle rebuilds the error from both
        self.reason, self.detail = reason, detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class WorkerError(DfdError):
    """Worker processes cannot be started, or end before they begin."""


class WeightsError(DfdError):
    """Pretrained weights cannot be fetched, read or verified."""


class WheelError(DfdError):
    """A published wheel cannot be downloaded, or a file in it cannot be read.

    Attributes:
        requirement: Name and version of the wheel, such as ``name==1.2.3``.
        problem: What is wrong, as the end of a sentence whose subject is the files in the wheel.
    """

    def __init__(self, requirement: str, problem: str) -> None:
        super().__init__(requirement, problem)  # pickle rebuilds the error from both
        self.requirement, self.problem = requirement, problem

    def __str__(self) -> str:
        return f"files of {self.requirement} {self.problem}; check that pip reaches its index"


class OnnxError(DfdError):
    """ONNX Runtime cannot load a network; the caller raises its own error, which names the file."""


class FacesError(DfdError):
    """Crops are missing, damaged or do not match their tables."""


class TrainError(DfdError):
    """Training cannot start or cannot continue."""


class DetectorError(DfdError):
    """A detector directory is missing, incomplete or damaged."""


class EvaluationError(DfdError):
    """There is nothing to evaluate, or the data does not match the detector."""


class TrackingError(DfdError):
    """The store of training runs cannot be read or written."""


class RegistryError(DfdError):
    """The model registry cannot store or return a detector."""
