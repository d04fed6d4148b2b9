"""A run's state after an epoch, in one file from which a killed run goes on as if never stopped."""

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
from dfd.train.feed.feed import Crops
from dfd.train.loop.records import EpochRecord

Values = list[npt.NDArray[Any]]


@dataclass(frozen=True)
class State:
    """A run between two epochs.

    Attributes:
        history: The epochs run.
        best: Weights of the best detector so far.
        network: Every variable of the network that trains, its random state included.
        optimizer: Every variable of the optimizer; empty before the full phase.
    """

    history: tuple[EpochRecord, ...]
    best: Values
    network: Values
    optimizer: Values


@dataclass(frozen=True)
class Checkpoint:
    """The file that holds the state of one run.

    Attributes:
        path: The file; a state of another run in it is as good as none.
        key: What the run follows from; equal keys are equal runs.
    """

    path: Path
    key: str

    @classmethod
    def of(
        cls, path: Path, params: CandidateParams, train: Crops, validation: Crops
    ) -> "Checkpoint":
        """Return the checkpoint of a run: its key holds parameters, crops, code and backend."""
        code = {path.name: hash_file(path) for path in sorted(Path(__file__).parent.glob("*.py"))}
        crops = [train.sha256, validation.sha256]
        keras_is = [keras.backend.backend(), keras.version()]
        return cls(path, hash_json([params.model_dump(), crops, code, keras_is]))

    def save(self, state: State) -> None:
        """Write a state; the one before stays until the new one is whole and on the disk.

        Raises:
            TrainError: The disk cannot take it.
        """
        groups = {"best": state.best, "network": state.network, "optimizer": state.optimizer}
        arrays = {f"{name}.{i}": a for name, group in groups.items() for i, a in enumerate(group)}
        about = {"key": self.key, "history": [asdict(record) for record in state.history]}
        try:
            with replacing(self.path) as temporary, temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, about=np.array(json.dumps(about)), **arrays)
        except OSError as error:
            raise TrainError(
                f"{self.path}: the state of the run cannot be kept ({error.strerror or error}); "
                "make room, then run again: the epoch before is kept"
            ) from error

    def load(self) -> State:
        """Return the state of this run, an empty one where none is kept.

        Raises:
            TrainError: The file is damaged.
        """
        groups: dict[str, Values] = {"best": [], "network": [], "optimizer": []}
        if not self.path.exists():
            return State((), **groups)
        try:
            with np.load(self.path, allow_pickle=False) as file:
                about = json.loads(str(file["about"]))
                if about["key"] != self.key:
                    return State((), **groups)
                for name in file.files:
                    if name != "about":
                        groups[name.partition(".")[0]].append(file[name])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise TrainError(
                f"{self.path}: damaged ({' '.join(str(error).split())[:80]}); remove it, and the "
                "run starts from its first epoch"
            ) from error
        return State(tuple(EpochRecord(**record) for record in about["history"]), **groups)

    def restore(self, variables: Sequence[Any], values: Values) -> None:
        """Set Keras variables to what ``values_of`` gave.

        Raises:
            TrainError: They are of another network.
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
    """Return the values of Keras variables."""
    return [keras.ops.convert_to_numpy(variable) for variable in variables]
