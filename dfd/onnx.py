"""ONNX Runtime without its telemetry: the only place that imports the package.

From the moment ``onnxruntime`` 1.32 is imported, the process keeps a device id and a queue of
events in the user's cache folder and contacts the vendor's telemetry host. Neither
``DO_NOT_TRACK`` nor ``onnxruntime.disable_telemetry_events()`` stops that;
``ORT_DISABLE_TELEMETRY`` does, if it is in the environment before the import.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy.typing as npt

from dfd.errors import OnnxError


class Session(Protocol):
    """A loaded network; threads may share it."""

    def run(
        self, outputs: Sequence[str], inputs: Mapping[str, npt.NDArray[Any]], /
    ) -> list[npt.NDArray[Any]]:
        """Return the named outputs, in that order, for the arrays of the named inputs."""
        ...


def import_onnxruntime() -> ModuleType:
    """Turn ONNX Runtime's telemetry off for this process and its children, then import it.

    Call this before importing a package that imports ``onnxruntime`` itself. A program that
    imports ``onnxruntime`` before it calls this library must set the variable on its own.

    >>> import os
    >>> import_onnxruntime().__name__
    'onnxruntime'
    >>> os.environ["ORT_DISABLE_TELEMETRY"]
    '1'
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime  # noqa: TID251 - the one place, after the variable is set

    module: ModuleType = onnxruntime
    return module


def open_session(network: bytes | Path, threads: int = 0) -> Session:
    """Return an ONNX network, ready to run on the CPU.

    Args:
        network: Content of the file, or its path, from which it loads twice as fast.
        threads: Threads that compute one call; 0 for one thread per core.

    Raises:
        OnnxError: ONNX Runtime cannot load the network.
        MemoryError: There is no memory for it.

    >>> open_session(b"not a network")
    Traceback (most recent call last):
        ...
    dfd.errors.OnnxError: [ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Failed to load model ...
    """
    ort = import_onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors, which are raised too
    # Waiting threads would otherwise spin, and so take cores from other work.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = str(network) if isinstance(network, Path) else network
    try:
        session: Session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions have no base class of their own
        if "bad_alloc" in str(error):  # it depends on what else fills the memory, not on the file
            raise MemoryError(str(error)) from error
        raise OnnxError(" ".join(str(error).split())[:160]) from error
    return session
