"""Benchmarks of the stage ``train``: feed, head phase, ONNX export and crop store."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import pandas as pd

from benchmarks.workplace import ROOT
from dfd.arrays import Images, Scores
from dfd.detector.keras_file import save_model
from dfd.detector.network import fake_scores
from dfd.onnx import open_session
from dfd.params.training import CandidateParams, load_candidate
from dfd.scoring.aggregate import video_scores
from dfd.scoring.metrics import auc
from dfd.train.export.to_onnx import export_onnx
from dfd.train.feed.crops import Crops
from dfd.train.feed.feed import Feed, Floats, Inputs
from dfd.train.feed.store import write_header
from dfd.train.feed.tone import with_tone_augmentation
from dfd.train.loop.batchnorm import TrainingMode, reestimate
from dfd.train.loop.checkpoint import Checkpoint
from dfd.train.loop.fit import Callbacks, fit
from dfd.train.loop.head import Features, train_head
from dfd.train.loop.network import build_network
from dfd.train.loop.optimizer import compile_fine_tuning
from dfd.train.loop.setup import Placement, choose_setup
from dfd.train.loop.validation import fake_scores as keras_scores
from dfd.train.networks.backbones import build_model

Figures = dict[str, float]

_STEPS, _ROUNDS = 10, 5
_PLACES = np.array([(0.36, 0.42), (0.63, 0.42), (0.5, 0.57), (0.4, 0.72), (0.6, 0.72)])
_PEAK = "from benchmarks.train import train_once; train_once({count}, {folder!r})"


def synthetic_crops(images: Any) -> Crops:
    """Return crops with a made-up table: 16 per video, a REAL video and then its four fakes."""
    number = np.arange(len(images)) // 16
    real = number % 5 == 0
    table = pd.DataFrame({"video": [f"{n}" for n in number], "track": 0})
    table["label"] = np.where(real, "REAL", "FAKE")
    table["group"] = [f"{n}" for n in number // 5]
    table["source"] = [None if n % 5 == 0 else f"{n // 5 * 5}" for n in number]
    table["time_s"] = np.arange(len(images)) % 16 / 2
    table[["x1", "y1", "x2", "y2"]] = 0.0, 0.0, 100.0, 100.0
    side = images.shape[1]
    landmarks = np.tile(np.float32(_PLACES * side), (len(images), 1, 1))
    return Crops(images, np.arange(len(images)), landmarks, table)


def textures(count: int, side: int = 128) -> Any:
    """Return images of smooth colours with noise, uint8 (count, side, side, 3)."""
    rng = np.random.default_rng(0)
    images = np.empty((count, side, side, 3), np.uint8)
    for image in images:
        light = rng.integers(70, 180, (6, 6, 3), dtype=np.uint8)
        smooth = cv2.resize(light, (side, side), interpolation=cv2.INTER_CUBIC)
        image[:] = smooth + rng.integers(0, 12, image.shape, dtype=np.uint8)
    return images


def feed(folder: Path) -> Figures:
    """Measure how far the feed slows training down, for InceptionResNetV2 as in ``params.yaml``.

    The ratio is the rate of training with the feed, augmentation and pseudo-fakes included, over
    the rate of the same compiled step on one batch in memory.
    """
    return feed_figures(load_candidate("inception_resnet_v2", ROOT / "params.yaml"))


def feed_figures(params: CandidateParams, steps: int = _STEPS) -> Figures:
    """Return ``train.feed_ratio`` and the rates in crops per second that it compares.

    Args:
        params: The parameters of any candidate.
        steps: Steps per measurement.
    """
    cv2.setNumThreads(1)
    crops = synthetic_crops(textures(steps * params.batch_size))
    setup = choose_setup(params)
    placed = Placement(setup)
    with placed.scope():
        model, _ = build_model(
            params.backbone, "none", params.input_size, params.dropout, params.seed
        )
        network = with_tone_augmentation(model)
        compile_fine_tuning(network, params, 1000, setup.xla)

    def seconds(batches: Any) -> float:
        begun = time.perf_counter()
        with placed.scope():
            network.fit(batches, shuffle=False, steps_per_epoch=steps, verbose=0)
        return time.perf_counter() - begun

    ready = _ReadyFeed(crops, params, 0)
    seconds(placed.batches(ready))  # traces and compiles
    pairs = []
    for epoch in range(_ROUNDS):
        made = seconds(placed.batches(Feed(crops, params, epoch)))
        pairs.append((made, seconds(placed.batches(ready))))
    images = steps * params.batch_size
    return {
        "train.feed_ratio": median(ready / real for real, ready in pairs),
        "train.images_per_s": images / median(real for real, _ in pairs),
        "train.images_per_s_of_the_step": images / median(ready for _, ready in pairs),
    }


class _ReadyFeed(Feed):
    """A feed that repeats its first batch, which is made before the epoch begins."""

    def __init__(self, crops: Crops, params: CandidateParams, epoch: int) -> None:
        super().__init__(crops, params, epoch)
        self._ready = self.batch(0)

    def __iter__(self) -> Iterator[tuple[Inputs, Floats]]:
        return repeat(self._ready, len(self))


def head(folder: Path) -> Figures:
    """Measure the seconds of 50 epochs of the head phase on the features of 10,000 crops."""
    params = load_candidate("inception_resnet_v2", ROOT / "params.yaml")
    params = params.model_copy(update={"head_epochs": 50})
    detector, _ = build_model("inception_resnet_v2", "none", 128, params.dropout, params.seed)
    rng = np.random.default_rng(0)
    targets = np.eye(2, dtype=np.float32)[rng.integers(0, 2, 10_000)]
    features = Features(rng.normal(size=(10_000, 1536)).astype(np.float32), targets)
    validation_features = rng.normal(size=(2_000, 1536)).astype(np.float32)
    validation = synthetic_crops(np.empty((2_000, 8, 8, 3), np.uint8)).table

    def on_epoch(figures: dict[str, float], scores: Any) -> bool:
        scored = validation.assign(score=scores)
        videos = video_scores(scored)
        auc(scored["label"], scores), auc(videos["label"], videos["score"])
        return True

    begun = time.perf_counter()
    train_head(detector, features, validation_features, params, on_epoch)
    return {"train.head_s_of_50_epochs": time.perf_counter() - begun}


def export(folder: Path) -> Figures:
    """Compare the ONNX export of InceptionResNetV2 at 128×128 with Keras: scores and speed.

    The weights are random, with BatchNorm statistics measured on the crops.
    """
    model, _ = build_model("inception_resnet_v2", "none", 128, 0.0, seed=7)
    crops = textures(64)
    reestimate(TrainingMode(model), [crops.astype(np.float32)])
    save_model(model, folder / "model.keras")
    begun = time.perf_counter()
    difference = export_onnx(folder / "model.keras", folder / "model.onnx", crops)
    spent = time.perf_counter() - begun
    session = open_session((folder / "model.onnx").read_bytes())

    def rate(scores: Callable[[Any, Images], Scores], network: Any) -> float:
        begun = time.perf_counter()
        scores(network, crops)
        return len(crops) / (time.perf_counter() - begun)

    (
        keras_scores(model, crops),
        fake_scores(session, crops),
    )  # warm-up: the first calls trace and allocate
    pairs = [(rate(keras_scores, model), rate(fake_scores, session)) for _ in range(_ROUNDS)]
    return {
        "train.export_s": spent,
        "train.onnx_difference": difference,
        "train.onnx_speedup_over_keras": median(ours / keras for keras, ours in pairs),
    }


def store(folder: Path) -> Figures:
    """Measure how much more memory in MB an epoch of 100,000 crops takes than one of 320."""
    peaks = {}
    for count in (320, 100_000):
        command = [sys.executable, "-c", _PEAK.format(count=count, folder=str(folder))]
        ended = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, cwd=ROOT)
        peaks[count] = float(ended.stdout.splitlines()[-1])
    return {
        "train.memory_mb_of_100000_crops": peaks[100_000] - peaks[320],
        "train.peak_mb_on_320_crops": peaks[320],
    }


def train_once(count: int, folder: str) -> None:
    """Train MesoNet for an epoch, and print the peak memory of this process in MB.

    Args:
        count: Number of training crops.
        folder: Folder for the crop store and the checkpoint.
    """
    from benchmarks.faces import peak_mb

    cv2.setNumThreads(1)
    path = Path(folder) / f"{count}.npy"
    some = textures(320)
    with path.open(
        "wb"
    ) as file:  # in pieces: the whole store would exceed the memory that is measured
        write_header(file, (count, *some.shape[1:]))
        for start in range(0, count, len(some)):
            file.write(some[: count - start].tobytes())
    params = load_candidate("mesonet", ROOT / "params.yaml").model_copy(update={"epochs": 1})
    train = synthetic_crops(np.load(path, mmap_mode="r"))
    validation = synthetic_crops(some)
    kept = Checkpoint.of(Path(folder) / "state.npz", params, train, validation)
    callbacks = Callbacks(lambda record: None, lambda step, steps: None)
    network = build_network("mesonet", params)
    fit(network, train, validation, params, choose_setup(params), kept, callbacks)
    print(peak_mb())
