"""How a run uses the machine: precision, XLA and devices, chosen where the parameters say auto."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import psutil

from dfd.errors import TrainError
from dfd.params.training import CandidateParams
from dfd.train.feed.feed import Feed


@dataclass(frozen=True)
class Setup:
    """How a run uses the machine.

    Attributes:
        backend: Keras' backend: ``tensorflow``, ``jax`` or ``torch``.
        kind: ``gpu`` or ``cpu``.
        devices: Number of devices that share every batch.
        precision: ``float32`` or ``mixed_bfloat16``.
        xla: Whether XLA compiles the step.
    """

    backend: str
    kind: str
    devices: int
    precision: str
    xla: bool


def choose(params: CandidateParams) -> Setup:
    """Return how a candidate is trained on this machine.

    A GPU is used where there is one, in bfloat16 and through XLA. On a CPU XLA makes TensorFlow's
    step three to eight times slower, and bfloat16 halves the speed of InceptionResNetV2.

    Raises:
        TrainError: There are fewer devices than asked for.
    """
    backend = keras.backend.backend()
    names = keras.distribution.list_devices()
    kind = names[0].partition(":")[0]
    if params.devices > len(names):
        raise TrainError(
            f"train.devices: {params.devices} asked for, but this machine has {len(names)} "
            f"({kind}); use at most that many"
        )
    precision = params.precision
    if precision == "auto":
        precision = "mixed_bfloat16" if kind == "gpu" else "float32"
    xla = params.xla
    if xla == "auto":
        xla = kind == "gpu" or backend == "jax"
    return Setup(backend, kind, params.devices, precision, xla)


class Placement:
    """The devices of a setup, and how batches reach them."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._shared: Any = None
        if setup.devices > 1:
            names = keras.distribution.list_devices()[: setup.devices]
            if setup.backend == "tensorflow":  # which Keras' own distribution does not know
                import tensorflow as tf

                self._shared = tf.distribute.MirroredStrategy(names)
            else:
                self._shared = keras.distribution.DataParallel(
                    devices=names, auto_shard_dataset=False
                )

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Build, compile and train a model inside this context."""
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self._setup.precision)
        try:
            with self._shared.scope() if self._shared else nullcontext():
                yield
        finally:
            keras.config.set_dtype_policy(policy)

    def batches(self, feed: Feed) -> Any:
        """Return the batches of an epoch as ``fit`` takes them: each shared by all devices."""
        if self._shared is None or self._setup.backend != "tensorflow":
            return iter(feed)
        import tensorflow as tf

        def parts() -> Iterator[Any]:
            for (pixels, looks), targets in feed:
                arrays = (np.split(a, self._setup.devices) for a in (pixels, looks, targets))
                for some_pixels, some_looks, some_targets in zip(*arrays, strict=True):
                    yield (some_pixels, some_looks), some_targets

        def spec(array: Any) -> Any:
            size = len(array) // self._setup.devices
            return tf.TensorSpec((size, *array.shape[1:]), array.dtype)

        (pixels, looks), targets = feed.batch(0)
        signature = (spec(pixels), spec(looks)), spec(targets)
        parted = tf.data.Dataset.from_generator(parts, output_signature=signature)
        return self._shared.distribute_datasets_from_function(lambda context: parted)


def memory_mb(setup: Setup) -> float:
    """Return memory in 2**20 bytes: the most the GPU held so far, or what this process holds."""
    if setup.kind == "gpu" and setup.backend == "tensorflow":
        import tensorflow as tf

        used = tf.config.experimental.get_memory_info("GPU:0")["peak"]
    elif setup.kind == "gpu" and setup.backend == "jax":
        import jax

        used = jax.local_devices()[0].memory_stats()["peak_bytes_in_use"]
    else:
        used = psutil.Process().memory_info().rss
    return float(used / 2**20)
