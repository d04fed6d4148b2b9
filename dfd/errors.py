"""Errors a user can act on: one line that names the file or key, what is wrong and what to do."""


class DfdError(Exception):
    """Base of every error this project raises on purpose; shown as one line, exit code 2."""


class ParamsError(DfdError):
    """A key of ``params.yaml`` is missing, unknown or out of range."""


class DatasetError(DfdError):
    """The data set folder, its labels or its index cannot be used."""


class SplitError(DfdError):
    """The split cannot be made, or a part lacks a class."""


class VideoError(DfdError):
    """One video cannot be opened or decoded."""


class WeightsError(DfdError):
    """Pretrained weights cannot be fetched, read or verified."""


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
