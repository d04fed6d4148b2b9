"""Precision, XLA and devices of a run: chosen for the machine where the parameters say ``auto``."""

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
        backend: The backend of Keras: ``tensorflow``, ``jax`` or ``torch``.
        kind: Kind of the devices: ``gpu`` or ``cpu``.
        devices: Number of devices that share every batch.
        precision: ``float32`` or ``mixed_bfloat16``.
        xla: Whether XLA compiles the step.
    """

    backend: str
    kind: str
    devices: int
    precision: str
    xla: bool


def choose_setup(params: CandidateParams) -> Setup:
    """Return how a candidate is trained on this machine.

    Where the parameters say ``auto``: bfloat16 and XLA on a GPU, float32 without XLA on a CPU. On a
    CPU XLA makes the step of TensorFlow three to eight times slower, and bfloat16 halves the speed
    of InceptionResNetV2.

    Args:
        params: The parameters of the candidate; ``precision``, ``xla`` and ``devices`` are read.

    Raises:
        TrainError: The machine has fewer devices than ``params.devices``.
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
    """The devices and the precision of a setup, and how batches are distributed to the devices."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._strategy: Any = None
        self._signature: Any = None  # of the batches that TensorFlow is fed, once there was one
        if setup.devices > 1:
            names = keras.distribution.list_devices()[: setup.devices]
            if setup.backend == "tensorflow":  # keras.distribution does not support TensorFlow
                import tensorflow as tf  # here, because training with JAX does without TensorFlow

                self._strategy = tf.distribute.MirroredStrategy(names)
            else:
                self._strategy = keras.distribution.DataParallel(
                    devices=names, auto_shard_dataset=False
                )

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Set precision and devices: build, compile and train a model inside this context."""
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self._setup.precision)
        try:
            with self._strategy.scope() if self._strategy else nullcontext():
                yield
        finally:
            keras.config.set_dtype_policy(policy)

    def batches(self, feed: Feed) -> Any:
        """Return the batches of an epoch in the form that ``keras.Model.fit`` distributes.

        Args:
            feed: The batches; each is split evenly among the devices.
        """
        if self._setup.backend != "tensorflow":
            return iter(feed)
        import tensorflow as tf  # here, because training with JAX does without TensorFlow

        def device_batches() -> Iterator[Any]:
            for (pixels, tones), targets in feed:
                splits = (np.split(a, self._setup.devices) for a in (pixels, tones, targets))
                for device_pixels, device_tones, device_targets in zip(*splits, strict=True):
                    yield (device_pixels, device_tones), device_targets

        def spec(array: Any) -> Any:
            size = len(array) // self._setup.devices if self._strategy else None
            return tf.TensorSpec((size, *array.shape[1:]), array.dtype)

        if self._signature is None:  # the same in all epochs
            (pixels, tones), targets = feed.batch(0)
            self._signature = (spec(pixels), spec(tones)), spec(targets)
        dataset = tf.data.Dataset.from_generator(device_batches, output_signature=self._signature)
        # At the end of an epoch, the thread that tunes a data set misses the signal to end, and
        # everything waits until it wakes up by itself: 5, 10, 20 or 41 seconds after it began.
        options = tf.data.Options()
        options.autotune.enabled = False
        dataset = dataset.prefetch(2).with_options(options)
        if self._strategy is None:
            return dataset
        return self._strategy.distribute_datasets_from_function(lambda context: dataset)


def memory_mb(setup: Setup) -> float:
    """Return the memory in use, in units of 2**20 bytes.

    That is the peak memory of the first GPU, or where there is none the current memory of this
    process.
    """
    if setup.kind == "gpu" and setup.backend == "tensorflow":
        import tensorflow as tf  # here, because training with JAX does without TensorFlow

        used = tf.config.experimental.get_memory_info("GPU:0")["peak"]
    elif setup.kind == "gpu" and setup.backend == "jax":
        import jax  # here, because training with TensorFlow does without JAX

        used = jax.local_devices()[0].memory_stats()["peak_bytes_in_use"]
    else:
        used = psutil.Process().memory_info().rss
    return float(used / 2**20)
