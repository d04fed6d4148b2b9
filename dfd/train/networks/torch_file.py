"""Reading the tensors of a file that PyTorch wrote before version 1.6, without PyTorch.

Such a file is a row of pickles (a magic number, a version, facts about the machine, the tensors
without their values, the keys of the values), and then, for each key, the number of values and the
values themselves.
"""

import io
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


@dataclass(frozen=True)
class _Tensor:
    """A tensor without its values: the key and the first of them, its shape and its strides."""

    key: str
    first: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torch_tensors(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the tensors of a *state dict* by their names.

    Args:
        content: The content of a file of PyTorch before 1.6. Unpickling can run code in general;
            here it makes tensors and nothing else.

    Raises:
        pickle.UnpicklingError: The file holds something else than tensors of float32 or int64.
    """
    stream = io.BytesIO(content)
    for _ in ("magic number", "version", "machine"):
        _Unpickler(stream).load()
    tensors = _Unpickler(stream)
    named = tensors.load()
    values = {}
    for key in _Unpickler(stream).load():
        count = int.from_bytes(stream.read(8), "little")
        dtype = tensors.types[key]
        values[key] = np.frombuffer(stream.read(count * dtype.itemsize), dtype)
    return {name: _with_values(tensor, values[tensor.key]) for name, tensor in named.items()}


class _Unpickler(pickle.Unpickler):
    """An unpickler that knows tensors and plain values only."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.types: dict[str, np.dtype[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a class or function that the file names."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a tensor")

    def persistent_load(self, pid: Any) -> str:
        """Return the key of the values that a tensor refers to, and remember their type."""
        _, dtype, key, *_ = pid
        self.types[key] = dtype
        return str(key)


def _tensor(
    key: str, first: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
) -> _Tensor:
    return _Tensor(key, first, shape, strides)


def _with_values(tensor: _Tensor, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    steps = tuple(step * values.itemsize for step in tensor.strides)
    view = np.lib.stride_tricks.as_strided(values[tensor.first :], tensor.shape, steps)
    return np.ascontiguousarray(view).reshape(tensor.shape)
