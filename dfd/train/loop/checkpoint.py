"""The checkpoint: one file with the state of a run after an epoch.

A run that was killed continues from its checkpoint and ends with the weights it would have had.
"""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from dfd.errors import TrainError
from dfd.files import hash_file, hash_json, replacing
from dfd.params.training import CandidateParams
from dfd.train.feed.crops import Crops
from dfd.train.loop.history import EpochRecord

Values = list[npt.NDArray[Any]]


@dataclass(frozen=True)
class State:
    """The state of a run between two epochs.

    Attributes:
        history: The records of the epochs so far.
        best: Weights of the detector at the best epoch so far.
        scores: P(FAKE) of each validation crop at that epoch.
        network: All variables of the training network, random states included; empty before and
            after the full phase.
        optimizer: All variables of the optimizer; empty before and after the full phase.
    """

    history: tuple[EpochRecord, ...]
    best: Values
    scores: list[float]
    network: Values
    optimizer: Values


@dataclass(frozen=True)
class Checkpoint:
    """The file that holds the state of one run.

    Attributes:
        path: The file. If it holds the state of another run, that state is ignored.
        key: Hash of everything that decides the course of the run.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     checkpoint = Checkpoint(Path(folder) / "state.npz", key="a run")
        ...     checkpoint.save(State((), [np.ones(2)], [0.5], [], []))
        ...     same_run = checkpoint.load().best
        ...     other_run = Checkpoint(checkpoint.path, key="another run").load().best
        >>> same_run, other_run
        ([array([1., 1.])], [])
    """

    path: Path
    key: str

    @classmethod
    def of(
        cls, path: Path, params: CandidateParams, train: Crops, validation: Crops
    ) -> "Checkpoint":
        """Return the checkpoint of a run.

        Args:
            path: The file.
            params: The parameters of the candidate.
            train: The training crops.
            validation: The validation crops.

        Returns:
            A checkpoint whose key is a hash of the parameters, the crops, the code of the training
            loop, and the backend and version of Keras.
        """
        code = {file.name: hash_file(file) for file in sorted(Path(__file__).parent.glob("*.py"))}
        crops = [train.sha256, validation.sha256]
        backend = [keras.backend.backend(), keras.version()]
        return cls(path, hash_json([params.model_dump(), crops, code, backend]))

    def save(self, state: State) -> None:
        """Write a state; the file is replaced once the new state is complete on the disk.

        Raises:
            TrainError: The file cannot be written; the earlier state is unchanged.
        """
        groups = {"best": state.best, "network": state.network, "optimizer": state.optimizer}
        arrays = {f"{name}.{i}": a for name, group in groups.items() for i, a in enumerate(group)}
        history = [asdict(record) for record in state.history]
        header = {"key": self.key, "history": history, "scores": state.scores}
        try:
            with replacing(self.path) as temporary, temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, about=np.array(json.dumps(header)), **arrays)
        except OSError as error:
            raise TrainError(
                f"{self.path}: the state of the run cannot be kept ({error.strerror or error}); "
                "make room, then run again: the epoch before is kept"
            ) from error

    def load(self) -> State:
        """Return the state of this run; an empty state if the file has none of this run.

        Raises:
            TrainError: The file is damaged, or another version of dfd wrote it.
        """
        groups: dict[str, Values] = {"best": [], "network": [], "optimizer": []}
        if not self.path.exists():
            return State((), scores=[], **groups)
        try:
            with np.load(self.path, allow_pickle=False) as file:
                header = json.loads(str(file["about"]))
                if header["key"] != self.key:
                    return State((), scores=[], **groups)
                for name in file.files:
                    if name != "about":
                        groups[name.partition(".")[0]].append(file[name])
            history = tuple(EpochRecord(**record) for record in header["history"])
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            reason = " ".join(str(error).split())[:80]
            raise TrainError(
                f"{self.path}: damaged, or of another version of dfd ({reason}); remove it, and "
                "the run starts from its first epoch"
            ) from error
        return State(history, scores=header["scores"], **groups)

    def restore(self, variables: Sequence[Any], values: Values) -> None:
        """Assign values to Keras variables.

        Args:
            variables: The variables.
            values: Their values, in the same order, as ``values_of`` returns them.

        Raises:
            TrainError: Number or shapes differ: the values are those of another network.
        """
        shapes = [tuple(variable.shape) for variable in variables]
        if shapes != [value.shape for value in values]:
            raise TrainError(
                f"{self.path}: the state of another network ({len(values)} variables, not "
                f"{len(shapes)}, or of other shapes); remove it, and the run starts from its first "
                "epoch"
            )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def values_of(variables: Sequence[Any]) -> Values:
    """Return the values of Keras variables as arrays, in the same order."""
    return [keras.ops.convert_to_numpy(variable) for variable in variables]
