"""Fitting one candidate: epochs, the choice of the best one and of the threshold.

The weights kept and the threshold come from the validation part alone; the test part is unknown
here. Two networks of one build share the work: one trains, as the machine likes it (precision,
devices); the other is the detector, in float32, which takes over the averaged weights after every
epoch, has its BatchNorm statistics measured, is validated and, if best, kept.
"""

import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from dfd.errors import DfdError, TrainError
from dfd.labels import LABELS
from dfd.params.training import CandidateParams
from dfd.scoring.aggregate import video_scores
from dfd.scoring.decision import fit_decision
from dfd.scoring.metrics import auc, measure
from dfd.train.feed.feed import Crops, Feed
from dfd.train.feed.tone import with_look
from dfd.train.loop.batchnorm import reestimate
from dfd.train.loop.checkpoint import Checkpoint, State, values_of
from dfd.train.loop.fitted import Fitted
from dfd.train.loop.head import (
    accuracy,
    backbone_of,
    features_of_crops,
    features_of_feeds,
    train_head,
)
from dfd.train.loop.phases import compile_step, free
from dfd.train.loop.records import EpochRecord, PhaseName
from dfd.train.loop.scores import fake_scores
from dfd.train.loop.setup import Placement, Setup, memory_mb
from dfd.train.networks.backbones import build_model

_PROBE_CROPS = 256
_DISAGREEMENT = 0.2


@dataclass(frozen=True)
class Watch:
    """Who is told how far a run is.

    Attributes:
        epoch: Called after every epoch with its record; on resuming, with those of before first.
        step: Called after every step with its number, from 1, and the number of steps.
    """

    epoch: Callable[[EpochRecord], None]
    step: Callable[[int, int], None]


def fit(
    train: Crops,
    validation: Crops,
    params: CandidateParams,
    setup: Setup,
    checkpoint: Checkpoint,
    watch: Watch,
) -> Fitted:
    """Train a candidate.

    A backbone with pretrained weights is trained in two phases: its head alone, on features
    computed once, then the network from ``finetune_from`` on, with the BatchNorm layers left in
    inference mode. One with random weights has a single phase, in which BatchNorm learns and its
    statistics are measured again before each validation. The best epoch is the one with the highest
    validation AUC over videos and, of equals, the lowest validation loss; a phase ends early after
    ``params.patience`` epochs without a better one.

    Args:
        train: Crops to learn from, of any side.
        validation: Crops of other groups, for every choice.
        params: The candidate.
        setup: How to use the machine.
        checkpoint: Holds the run's state after every epoch; where there is one, the run goes on
            from it. The caller removes the file once the result is safe.
        watch: Who is told.

    Raises:
        TrainError: A part is empty or lacks a class, the backbone or a layer is unknown, the loss
            is no longer a number, memory or disk do not suffice, or the checkpoint is damaged.
        WeightsError: The pretrained weights cannot be had.
    """
    train.check("train", LABELS if params.self_blended < 1 else ("REAL",))
    validation.check("validation")
    with _naming_the_batch_size(params.batch_size):
        run = _Run(train, validation, params, setup, checkpoint, watch)
        run.head_phase()
        run.full_phase()
        return run.result()


class _Run:
    """One run: the detector, and what is known so far."""

    def __init__(
        self,
        train: Crops,
        validation: Crops,
        params: CandidateParams,
        setup: Setup,
        checkpoint: Checkpoint,
        watch: Watch,
    ) -> None:
        self.train, self.validation, self.params = train, validation, params
        self.setup, self.checkpoint, self.watch = setup, checkpoint, watch
        self.detector, self.weights = self.build(params.weights)
        self.pretrained = self.weights != "none"
        free(self.detector, params, self.pretrained)
        self.state = checkpoint.load()
        self.history, self.best = list(self.state.history), self.state.best
        for record in self.history:
            watch.epoch(record)

    def build(self, weights: str) -> tuple[keras.Model, str]:
        p = self.params
        return build_model(p.backbone, weights, p.input_size, p.dropout, p.seed)

    def head_phase(self) -> None:
        if self.history or not (self.pretrained and self.params.head_epochs):
            return
        began = time.perf_counter()
        backbone = backbone_of(self.detector)
        feeds = [Feed(self.train, self.params, view) for view in range(self.params.head_views)]
        features = features_of_feeds(backbone, feeds)
        chunks = self.validation.chunks(self.params.input_size)
        unseen = features_of_crops(backbone, chunks, self.params.batch_size)
        waited = sum(feed.waited for feed in feeds)

        def on_epoch(seen: dict[str, float], scores: npt.NDArray[np.float32]) -> bool:
            nonlocal began, waited
            seconds = time.perf_counter() - began
            self.add("head", seen, scores, began, len(features.values) / seconds, waited / seconds)
            began, waited = time.perf_counter(), 0.0
            return not self.stale("head")

        train_head(self.detector, features, unseen, self.params, on_epoch)
        # Its epochs are seconds, so they share one state.
        self.detector.set_weights(self.best)
        self.checkpoint.save(State(tuple(self.history), self.best, [], []))

    def full_phase(self) -> None:
        if self.history:
            self.detector.set_weights(self.best)
        judged = with_look(self.detector)
        steps = len(Feed(self.train, self.params, 0))
        placed = Placement(self.setup)
        with placed.opened():
            learner, _ = self.build("none")
            learner.set_weights(self.detector.get_weights())
            free(learner, self.params, self.pretrained)
            network = with_look(learner)
            compile_step(network, self.params, steps * self.params.epochs, self.setup.xla)
        if self.state.optimizer:
            self.checkpoint.restore(network.variables, self.state.network)
            self.checkpoint.restore(network.optimizer.variables, self.state.optimizer)
        probe = Feed(self.train, self.params, 0)
        batches = -(-_PROBE_CROPS // self.params.batch_size)
        statistics = [probe.batch(step % steps) for step in range(batches)]
        done = sum(record.phase == "full" for record in self.history)
        for _ in range(done, self.params.epochs):
            if self.stale("full"):
                break
            feed = Feed(self.train, self.params, len(self.history) + 1)
            began = time.perf_counter()
            with placed.opened():
                told = keras.callbacks.LambdaCallback(
                    on_train_batch_end=lambda step, logs: self.watch.step(step + 1, steps)
                )
                logs = network.fit(
                    placed.batches(feed),
                    shuffle=False,
                    steps_per_epoch=steps,
                    verbose=0,
                    callbacks=[told],
                ).history
            seconds = time.perf_counter() - began
            seen = {name: float(values[0]) for name, values in logs.items()}
            seen["learning_rate"] = float(
                keras.ops.convert_to_numpy(network.optimizer.learning_rate)
            )
            self.take_over(learner, network.optimizer.averages())
            seen["inference_accuracy"] = self.measure_statistics(judged, statistics)
            rate = steps * self.params.batch_size / seconds
            self.add("full", seen, self.scores(), began, rate, feed.waited / seconds)
            optimizer = values_of(network.optimizer.variables)
            variables = values_of(network.variables)
            self.checkpoint.save(State(tuple(self.history), self.best, variables, optimizer))

    def take_over(self, learner: keras.Model, averages: dict[str, Any]) -> None:
        """Give the detector the learner's weights, averaged where they are."""
        values = [averages.get(weight.path, weight) for weight in learner.weights]
        self.detector.set_weights(values_of(values))

    def measure_statistics(self, judged: keras.Model, batches: list[Any]) -> float:
        """Measure the BatchNorm statistics anew; return the accuracy on these crops with them."""
        targets = np.concatenate([wanted for _, wanted in batches])
        trained = accuracy(np.concatenate(reestimate(judged, [b for b, _ in batches])), targets)
        said = [judged.predict_on_batch(inputs) for inputs, _ in batches]
        inferred = accuracy(np.concatenate(said), targets)
        if inferred < trained - _DISAGREEMENT:
            raise TrainError(
                f"train: epoch {len(self.history) + 1}: the accuracy on the same training crops is "
                f"{trained:.2f} while training but {inferred:.2f} afterwards: batches are too "
                "small for BatchNorm; raise batch_size or lower learning_rate"
            )
        return inferred

    def scores(self) -> npt.NDArray[np.float32]:
        chunks = self.validation.chunks(self.params.input_size)
        return np.concatenate([fake_scores(self.detector, chunk) for chunk in chunks])

    def add(
        self,
        phase: PhaseName,
        seen: dict[str, float],
        scores: npt.NDArray[np.float32],
        began: float,
        images_per_second: float,
        waiting: float,
    ) -> None:
        """Add an epoch's record, and keep the detector's weights if it is the best so far."""
        epoch = len(self.history) + 1
        if not (math.isfinite(seen["loss"]) and np.isfinite(scores).all()):
            raise TrainError(
                f"train: loss or scores of epoch {epoch} are not numbers (loss {seen['loss']:g}); "
                "lower the candidate's learning_rate"
            )
        record = EpochRecord(
            phase=phase,
            epoch=epoch,
            **seen,
            **_validation(self.validation, scores),
            seconds=time.perf_counter() - began,
            images_per_second=images_per_second,
            waiting=waiting,
            memory_mb=memory_mb(self.setup),
        )
        self.history.append(record)
        if max(self.history, key=lambda one: one.merit) is record:
            self.best = self.detector.get_weights()
        self.watch.epoch(record)

    def stale(self, phase: PhaseName) -> bool:
        """Whether the phase had ``patience`` epochs without a better one."""
        if not self.history:
            return False
        best = max(self.history, key=lambda one: one.merit).epoch
        before = sum(record.phase != phase for record in self.history)
        return len(self.history) - max(best, before) >= self.params.patience

    def result(self) -> Fitted:
        self.detector.set_weights(self.best)
        scored = self.validation.table.assign(score=self.scores())
        videos = video_scores(scored)
        decision = fit_decision(videos["label"], videos["score"], self.params.target_error)
        judged = [
            measure(table["label"], decision.calibration.apply(table["score"]), decision.threshold)
            for table in (scored, videos)
        ]
        return Fitted(
            model=self.detector,
            weights=self.weights,
            history=tuple(self.history),
            decision=decision,
            frames=judged[0],
            videos=judged[1],
            train_sha256=self.train.sha256,
        )


def _validation(crops: Crops, fake: npt.NDArray[np.float32]) -> dict[str, float]:
    """Return the ``val_`` figures of an epoch; both classes are known to be present."""
    labels = crops.labels
    scored = crops.table.assign(score=fake)
    videos = video_scores(scored)
    losses = -np.log(np.clip(np.where(labels == 1, fake, 1 - fake), 1e-7, 1, dtype=np.float64))
    return {
        "val_loss": float(np.mean([losses[labels == label].mean() for label in (0, 1)])),
        "val_accuracy": float(np.mean((fake >= 0.5) == (labels == 1))),
        "val_frame_auc": auc(scored["label"], fake) or 0.0,
        "val_video_auc": auc(videos["label"], videos["score"]) or 0.0,
    }


@contextmanager
def _naming_the_batch_size(batch_size: int) -> Iterator[None]:
    """Turn a backend's want of memory, which each words in its own way, into one line."""
    try:
        yield
    except DfdError:
        raise
    except Exception as error:
        words = f"{type(error).__name__} {error}"
        if not re.search(
            "MemoryError|ResourceExhausted|RESOURCE_EXHAUSTED|[Oo]ut of memory", words
        ):
            raise
        raise TrainError(
            f"train: out of memory with batch_size {batch_size}; try batch_size "
            f"{max(2, batch_size // 2)}, or a smaller input_size"
        ) from error
