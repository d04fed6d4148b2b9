"""Precision, XLA and devices of a run: chosen for the machine where the parameters say ``auto``."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import psutil

from dfd.errors import TrainError
from dfd.params.training import CandidateParams
from dfd.train.feed.feed import Feed

# Where Linux names what the CPU can do, and the two names of fast arithmetic in bfloat16.
_CPU_INFO = Path("/proc/cpuinfo")
_BFLOAT16_INSTRUCTIONS = {"avx512_bf16", "amx_bf16"}


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

    Where the parameters say ``auto``: bfloat16 and XLA on a GPU; on a CPU no XLA, which makes the
    step of TensorFlow three to eight times slower, and bfloat16 if TensorFlow trains and the CPU
    has instructions for it. InceptionResNetV2 then takes 1.5 times as many crops a second.

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
        fast = kind == "gpu" or (backend == "tensorflow" and _cpu_computes_in_bfloat16())
        precision = "mixed_bfloat16" if fast else "float32"
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
        with self._precision(), self._strategy.scope() if self._strategy else nullcontext():
            yield

    def _precision(self) -> AbstractContextManager[None]:
        setup = self._setup
        on_cpu = setup.kind == "cpu" and setup.backend == "tensorflow"
        if setup.precision == "mixed_bfloat16" and on_cpu:
            return _convolutions_in_bfloat16()
        return _dtype_policy(setup.precision)

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


def _cpu_computes_in_bfloat16() -> bool:
    try:
        return not _BFLOAT16_INSTRUCTIONS.isdisjoint(_CPU_INFO.read_text().split())
    except OSError:  # not Linux
        return False


@contextmanager
def _dtype_policy(name: str) -> Iterator[None]:
    """Build layers that compute in a precision of Keras."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


@contextmanager
def _convolutions_in_bfloat16() -> Iterator[None]:
    """Let TensorFlow compute convolutions and matrix products in bfloat16 on the CPU.

    The layers stay in float32: with Keras's policy, TensorFlow would compute BatchNorm in bfloat16
    too, which takes a CPU longer than it saves.
    """
    import tensorflow as tf  # here, because training with JAX does without TensorFlow

    option = "auto_mixed_precision_onednn_bfloat16"
    tf.config.optimizer.set_experimental_options({option: True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({option: False})


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
