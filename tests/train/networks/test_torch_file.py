"""Files of PyTorch before 1.6, written here without it: the pickles that such a file is made of."""

import io
import pickle
import sys
import types
from collections import OrderedDict
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from dfd.train.networks.torch_file import read_torch_tensors


class _Storage:
    def __init__(self, key: str, values: npt.NDArray[Any]) -> None:
        self.key, self.values = key, values


class _Tensor:
    """A tensor that is pickled as PyTorch pickles its own."""

    def __init__(
        self, storage: _Storage, first: int, shape: tuple[int, ...], strides: tuple[int, ...]
    ) -> None:
        self.parts = (storage, first, shape, strides, False, OrderedDict())

    def __reduce__(self) -> tuple[Any, ...]:
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.parts


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: object) -> tuple[Any, ...] | None:
        if not isinstance(obj, _Storage):
            return None
        torch = sys.modules["torch"]
        kind = torch.LongStorage if obj.values.dtype == np.int64 else torch.FloatStorage
        return ("storage", kind, obj.key, "cpu", len(obj.values), None)


@pytest.fixture
def torch_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the names that a file of PyTorch refers to known to pickle."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2() -> None: ...

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = (
        "torch._utils",
        "_rebuild_tensor_v2",
    )
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


def written(tensors: dict[str, Any], storages: list[_Storage]) -> bytes:
    stream = io.BytesIO()
    for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(part, stream, 2)
    _Pickler(stream, 2).dump(OrderedDict(tensors))
    pickle.dump([storage.key for storage in storages], stream, 2)
    for storage in storages:
        stream.write(len(storage.values).to_bytes(8, "little") + storage.values.tobytes())
    return stream.getvalue()


def test_tensors_are_read_with_their_shapes_strides_and_types(torch_names: None) -> None:
    values = _Storage("11", np.arange(12, dtype=np.float32))
    count = _Storage("22", np.array([7], np.int64))
    content = written(
        {
            "whole.weight": _Tensor(values, 0, (3, 4), (4, 1)),
            "turned": _Tensor(values, 0, (4, 3), (1, 4)),
            "end": _Tensor(values, 10, (2,), (1,)),
            "count": _Tensor(count, 0, (), ()),
        },
        [count, values],
    )
    tensors = read_torch_tensors(content)
    whole = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(tensors["whole.weight"], whole)
    np.testing.assert_array_equal(tensors["turned"], whole.T)
    np.testing.assert_array_equal(tensors["end"], [10, 11])
    assert (tensors["count"].shape, tensors["count"].dtype, int(tensors["count"])) == (
        (),
        np.int64,
        7,
    )


def test_a_file_that_would_run_code_is_refused(torch_names: None) -> None:
    values = _Storage("1", np.zeros(1, np.float32))
    content = written({"a": _Tensor(values, 0, (1,), (1,)), "b": print}, [values])
    with pytest.raises(pickle.UnpicklingError, match="print is no part of a tensor"):
        read_torch_tensors(content)
