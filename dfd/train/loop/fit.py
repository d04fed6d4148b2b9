"""Training one candidate: the head phase, the full phase, and the state kept after every epoch.

Which epoch is best and where the threshold lies follow from the validation part alone; training
never sees the test part. The full phase holds two networks of the same architecture. The *training
network* is fed the batches, in the precision and on the devices of the setup. The *detector* is in
float32; after every epoch the EMA weights are copied into it, its BatchNorm statistics are measured
again, it is validated, and its weights are kept if it is the best so far.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from dfd.arrays import Scores
from dfd.errors import TrainError
from dfd.labels import LABELS
from dfd.params.training import CandidateParams
from dfd.train.feed.crops import Crops
from dfd.train.feed.feed import Feed
from dfd.train.feed.tone import ToneAugmentation, with_tone_augmentation
from dfd.train.loop.batchnorm import TrainingMode, reestimate_checked
from dfd.train.loop.checkpoint import Checkpoint, State, Values, values_of
from dfd.train.loop.head import backbone_of, features_of_crops, features_of_feeds, train_head
from dfd.train.loop.history import (
    EpochRecord,
    PhaseName,
    best_epoch,
    criterion_for,
    patience_exhausted,
)
from dfd.train.loop.memory import out_of_memory_as_error
from dfd.train.loop.network import StartNetwork, set_trainable_layers
from dfd.train.loop.optimizer import compile_fine_tuning
from dfd.train.loop.result import TrainingResult, training_result
from dfd.train.loop.setup import Placement, Setup, memory_mb
from dfd.train.loop.validation import fake_scores, validation_figures
from dfd.train.networks.backbones import build_model

_BATCHNORM_CROPS = 256


@dataclass(frozen=True)
class Callbacks:
    """Functions that are called while a candidate is trained.

    Attributes:
        on_epoch: Called after every epoch with its record. A run that continues from a checkpoint
            first calls it with the record of every epoch in the checkpoint.
        on_step: Called after every step of the full phase with the number of the step, from 1, and
            the number of steps of the epoch. In the head phase, called before its first epoch with
            the number of batches whose features the backbone has computed, and of all batches.
    """

    on_epoch: Callable[[EpochRecord], None]
    on_step: Callable[[int, int], None]


def fit(
    network: StartNetwork,
    train: Crops,
    validation: Crops,
    params: CandidateParams,
    setup: Setup,
    checkpoint: Checkpoint,
    callbacks: Callbacks,
) -> TrainingResult:
    """Train a candidate.

    A pretrained backbone is trained in two phases: the head alone, on features that the frozen
    backbone computes once, then the layers from ``finetune_from`` on, with the BatchNorm layers in
    inference mode. A backbone with random weights has the second phase alone; its BatchNorm layers
    are trained, and their statistics are measured again before each validation. The best epoch is
    chosen by validation loss or, with enough validation groups, by validation AUC over videos
    (``criterion_for``). A phase stops early after ``params.patience`` epochs without a new best
    one.

    Args:
        network: The network as ``build_network`` returns it; it is trained in place.
        train: The training crops.
        validation: The validation crops, of other groups than the training crops.
        params: The parameters of the candidate, with which the network was built.
        setup: Precision, compilation and devices.
        checkpoint: Where the state of the run is saved after every epoch. If the file exists and
            belongs to this run, training continues from it. The caller removes the file once the
            result is stored.
        callbacks: Functions that are called after every step and every epoch.

    Returns:
        The network with the weights of the best epoch, its decision and its validation metrics.

    Raises:
        TrainError: A part has no crops or lacks a class, the loss is not finite, memory or disk
            space do not suffice, or the checkpoint is damaged.
    """
    train.check("train", LABELS if params.self_blended < 1 else ("REAL",))
    validation.check("validation")
    with out_of_memory_as_error(params.batch_size):
        run = _Run(network, train, validation, params, setup, checkpoint, callbacks)
        run.head_phase()
        run.full_phase()
        return run.result()


class _Run:
    """A training run: the detector, and the history and best weights so far."""

    def __init__(
        self,
        network: StartNetwork,
        train: Crops,
        validation: Crops,
        params: CandidateParams,
        setup: Setup,
        checkpoint: Checkpoint,
        callbacks: Callbacks,
    ) -> None:
        self.network, self.detector = network, network.model
        self.train, self.validation, self.params = train, validation, params
        self.setup, self.checkpoint, self.callbacks = setup, checkpoint, callbacks
        self.criterion = criterion_for(validation.table["group"].nunique())
        self.state = checkpoint.load()
        self.history = list(self.state.history)
        self.best_weights, self.best_scores = self.state.best, self.state.scores
        for record in self.history:
            callbacks.on_epoch(record)

    def head_phase(self) -> None:
        """Train the head on the features of a pretrained, frozen backbone."""
        if self.history or not (self.network.pretrained and self.params.head_epochs):
            return
        began = time.perf_counter()
        backbone = backbone_of(self.detector)
        feeds = [Feed(self.train, self.params, view) for view in range(self.params.head_views)]
        features = features_of_feeds(backbone, feeds, self.callbacks.on_step)
        chunks = self.validation.chunks(self.params.input_size)
        validation_features = features_of_crops(backbone, chunks, self.params.batch_size)
        waited = sum(feed.waited for feed in feeds)

        def on_epoch(training_figures: dict[str, float], scores: Scores) -> bool:
            nonlocal began, waited
            seconds = time.perf_counter() - began
            rate = len(features.values) / seconds
            self.add_epoch("head", training_figures, scores, began, rate, waited / seconds)
            began, waited = time.perf_counter(), 0.0
            return not self.patience_exhausted("head")

        train_head(self.detector, features, validation_features, self.params, on_epoch)
        # Epochs of the head take seconds: the phase is saved once, at its end.
        self.detector.set_weights(self.best_weights)
        self.save([], [])

    def full_phase(self) -> None:
        """Train the layers that are not frozen, and validate the EMA weights after every epoch."""
        if self.full_phase_ended():
            return
        params = self.params
        if self.history:
            self.detector.set_weights(self.best_weights)
        in_training_mode = TrainingMode(self.detector)
        steps = len(Feed(self.train, params, 0))
        placement = Placement(self.setup)
        with placement.scope():
            training_network, _ = build_model(
                params.backbone, "none", params.input_size, params.dropout, params.seed
            )
            training_network.set_weights(self.detector.get_weights())
            set_trainable_layers(training_network, params, self.network.pretrained)
            compiled = with_tone_augmentation(training_network)
            compile_fine_tuning(compiled, params, steps * params.epochs, self.setup.xla)
        optimizer = compiled.optimizer
        if self.state.optimizer:
            self.checkpoint.restore(compiled.variables, self.state.network)
            self.checkpoint.restore(optimizer.variables, self.state.optimizer)
        batchnorm_batches = self.batchnorm_batches()
        report_step = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda step, logs: self.callbacks.on_step(step + 1, steps)
        )
        while not self.full_phase_ended():
            epoch = len(self.history) + 1
            feed = Feed(self.train, params, epoch)
            began = time.perf_counter()
            with placement.scope():
                logs = compiled.fit(
                    placement.batches(feed),
                    shuffle=False,
                    steps_per_epoch=steps,
                    verbose=0,
                    callbacks=[report_step],
                ).history
            seconds = time.perf_counter() - began
            figures = {name: float(values[0]) for name, values in logs.items()}
            figures["learning_rate"] = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
            self.copy_ema_weights(training_network, optimizer.averages())
            figures["inference_accuracy"] = reestimate_checked(
                in_training_mode, batchnorm_batches, epoch
            )
            rate = steps * params.batch_size / seconds
            chunks = self.validation.chunks(params.input_size)
            scores = np.concatenate([fake_scores(self.detector, chunk) for chunk in chunks])
            self.add_epoch("full", figures, scores, began, rate, feed.waited / seconds)
            if self.full_phase_ended():  # nothing will continue from these variables
                self.save([], [])
            else:
                self.save(values_of(compiled.variables), values_of(optimizer.variables))

    def batchnorm_batches(self) -> list[tuple[Any, Any]]:
        """Return batches for the BatchNorm statistics: augmented crops, float32, and targets."""
        feed, tone = Feed(self.train, self.params, 0), ToneAugmentation()
        count = -(-_BATCHNORM_CROPS // self.params.batch_size)
        batches = (feed.batch(step % len(feed)) for step in range(count))
        return [(keras.ops.convert_to_numpy(tone(*inputs)), targets) for inputs, targets in batches]

    def copy_ema_weights(self, training_network: keras.Model, averages: Mapping[str, Any]) -> None:
        """Copy the weights of the training network into the detector, averaged ones where any."""
        weights = [averages.get(weight.path, weight) for weight in training_network.weights]
        self.detector.set_weights(values_of(weights))

    def add_epoch(
        self,
        phase: PhaseName,
        training_figures: dict[str, float],
        scores: Scores,
        began: float,
        images_per_second: float,
        waiting: float,
    ) -> None:
        """Record an epoch, and keep the weights of the detector if it is the best epoch so far."""
        epoch = len(self.history) + 1
        loss = training_figures["loss"]
        if not (np.isfinite(loss) and np.isfinite(scores).all()):
            raise TrainError(
                f"train: loss or scores of epoch {epoch} are not numbers (loss {loss:g}); "
                "lower the candidate's learning_rate"
            )
        record = EpochRecord(
            phase=phase,
            epoch=epoch,
            **training_figures,
            **validation_figures(self.validation, scores),
            seconds=time.perf_counter() - began,
            images_per_second=images_per_second,
            waiting=waiting,
            memory_mb=memory_mb(self.setup),
        )
        self.history.append(record)
        if best_epoch(self.history, self.criterion) is record:
            self.best_weights, self.best_scores = self.detector.get_weights(), scores.tolist()
        self.callbacks.on_epoch(record)

    def save(self, network: Values, optimizer: Values) -> None:
        """Save the state of the run."""
        history = tuple(self.history)
        self.checkpoint.save(
            State(history, self.best_weights, self.best_scores, network, optimizer)
        )

    def full_phase_ended(self) -> bool:
        """Tell whether the full phase has had its epochs, or should stop early."""
        done = sum(record.phase == "full" for record in self.history)
        return done >= self.params.epochs or self.patience_exhausted("full")

    def patience_exhausted(self, phase: PhaseName) -> bool:
        """Tell whether the running phase should stop early."""
        return patience_exhausted(self.history, phase, self.params.patience, self.criterion)

    def result(self) -> TrainingResult:
        """Return the detector with the weights of the best epoch, and its metrics."""
        self.detector.set_weights(self.best_weights)
        return training_result(
            self.network,
            self.history,
            self.train,
            self.validation,
            np.array(self.best_scores),
            self.params.target_error,
            self.criterion,
        )
