"""Fitting one candidate: epochs, the choice of the best one and of the threshold.

The weights kept and the threshold come from the validation part alone; the test part is unknown
here.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, fields

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd

from dfd.detector import DetectorCard, fake_scores, resized, weights_sha256
from dfd.errors import TrainError
from dfd.evaluate.metrics import Metrics, auc, best_threshold, measure, video_scores
from dfd.params import CandidateParams, CropParams
from dfd.train.backbones import build_model
from dfd.train.batchnorm import reestimate
from dfd.train.feed import Batches, Crops, balanced_weights
from dfd.train.phases import PhaseName, begin, plan

_STATISTICS_CROPS, _STATISTICS_BATCH = 256, 64


@dataclass(frozen=True)
class EpochRecord:
    """The figures of one epoch; ``epoch`` counts from 1 through both phases.

    ``loss`` and ``val_loss`` are log losses in which both classes weigh the same; the accuracies
    count crops at a threshold of 0.5. ``loss`` and ``accuracy`` are those seen while training,
    under dropout and augmentation. ``learning_rate`` is that of the last step.
    """

    phase: PhaseName
    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    val_frame_auc: float
    val_video_auc: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class Fitted:
    """A trained network and what is known about it.

    Attributes:
        model: The network of ``build_model`` with the best epoch's weights.
        weights: What its backbone started from: ``imagenet``, ``none`` or a file's name.
        history: One record per epoch run.
        threshold: P(FAKE) of a video from which it is called FAKE.
        frames: Figures per validation crop at that threshold.
        videos: Figures per validation video at that threshold.
        train_sha256: Identity of the training crops.
    """

    model: keras.Model
    weights: str
    history: tuple[EpochRecord, ...]
    threshold: float
    frames: Metrics
    videos: Metrics
    train_sha256: str

    def curves(self) -> pd.DataFrame:
        """Return the history as a table without the seconds: equal runs give equal tables."""
        names = [field.name for field in fields(EpochRecord) if field.name != "seconds"]
        return pd.DataFrame([[getattr(r, n) for n in names] for r in self.history], columns=names)

    def card(
        self,
        candidate: str,
        params: CandidateParams,
        crop: CropParams,
        split_sha256: str,
        leaky: bool,
    ) -> DetectorCard:
        """Return the detector's card.

        Args:
            candidate: Name under ``train.candidates``.
            params: What this was fitted with.
            crop: How the crops were made.
            split_sha256: Hash of the split's file.
            leaky: Whether the split let groups cross.
        """
        return DetectorCard(
            candidate=candidate,
            backbone=params.backbone,
            weights=self.weights,
            input_size=params.input_size,
            crop=crop,
            params=params,
            threshold=self.threshold,
            train_sha256=self.train_sha256,
            split_sha256=split_sha256,
            leaky=leaky,
            validation_frames=self.frames,
            validation_videos=self.videos,
            parameters=self.model.count_params(),
            weights_sha256=weights_sha256(self.model),
        )


def fit(
    train: Crops,
    validation: Crops,
    params: CandidateParams,
    on_epoch: Callable[[EpochRecord], None],
) -> Fitted:
    """Train a candidate.

    A backbone with pretrained weights is trained in two phases: its head alone, then the whole
    network with the BatchNorm layers left in inference mode. One with random weights has a single
    phase, in which BatchNorm learns and its statistics are measured again before each validation.
    Adam follows a cosine that warms up over the first tenth of a phase. The best epoch is the one
    with the highest validation AUC over videos and, of equals, the lowest validation loss; a phase
    ends early after ``params.patience`` epochs without a better one.

    Args:
        train: Crops to learn from, of any side.
        validation: Crops of other groups, for every choice.
        params: The candidate.
        on_epoch: Called after every epoch.

    Raises:
        TrainError: A part is empty or lacks a class, the backbone is unknown, or the loss is no
            longer a number.
        WeightsError: The pretrained weights cannot be had.
    """
    train.check("train")
    validation.check("validation")
    images, labels = resized(train.images, params.input_size), train.labels()
    seen = Crops(resized(validation.images, params.input_size), validation.table)
    statistics = _statistics_batches(images, params.seed)
    model, weights = build_model(
        params.backbone, params.weights, params.input_size, params.dropout, params.seed
    )
    pretrained = weights != "none"

    history: list[EpochRecord] = []
    best, best_weights = (-math.inf, -math.inf), model.get_weights()
    for phase in plan(params, pretrained):
        begin(model, phase, pretrained, math.ceil(len(images) / params.batch_size))
        best_epoch = len(history)
        for _ in range(phase.epochs):
            started = time.perf_counter()
            epoch = len(history) + 1
            batches = Batches(images, labels, params.batch_size, params.seed, epoch, params.augment)
            logs = model.fit(batches, shuffle=False, verbose=0).history
            reestimate(model, statistics)
            scored = _scored(model, seen)
            loss = float(logs["loss"][0])
            if not (math.isfinite(loss) and np.isfinite(scored["score"]).all()):
                raise TrainError(
                    f"train: loss or scores of epoch {epoch} are not numbers (loss {loss:g}); "
                    "lower the candidate's learning_rate"
                )
            record = EpochRecord(
                phase=phase.name,
                epoch=epoch,
                loss=loss,
                accuracy=float(logs["accuracy"][0]),
                **_validation(scored, seen.labels()),
                learning_rate=float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)),
                seconds=time.perf_counter() - started,
            )
            history.append(record)
            on_epoch(record)
            if (record.val_video_auc, -record.val_loss) > best:
                best = record.val_video_auc, -record.val_loss
                best_epoch, best_weights = epoch, model.get_weights()
            if epoch - best_epoch >= params.patience:
                break

    model.set_weights(best_weights)
    scored = _scored(model, seen)
    videos = video_scores(scored)
    threshold = best_threshold(videos["label"], videos["score"])
    return Fitted(
        model=model,
        weights=weights,
        history=tuple(history),
        threshold=threshold,
        frames=measure(scored["label"], scored["score"], threshold),
        videos=measure(videos["label"], videos["score"], threshold),
        train_sha256=train.sha256(),
    )


def _statistics_batches(images: npt.NDArray[np.uint8], seed: int) -> list[npt.NDArray[np.uint8]]:
    chosen = np.random.default_rng(seed).permutation(len(images))[:_STATISTICS_CROPS]
    parts = math.ceil(len(chosen) / _STATISTICS_BATCH)
    return [images[part] for part in np.array_split(chosen, parts)]


def _scored(model: keras.Model, crops: Crops) -> pd.DataFrame:
    return crops.table.assign(score=fake_scores(model, crops.images))


def _validation(scored: pd.DataFrame, labels: npt.NDArray[np.int64]) -> dict[str, float]:
    """Return the ``val_`` figures of an epoch; both classes are known to be present."""
    fake = scored["score"].to_numpy(np.float64)
    right = np.clip(np.where(labels == 1, fake, 1 - fake), 1e-7, 1)
    videos = video_scores(scored)
    return {
        "val_loss": float(np.mean(balanced_weights(labels) * -np.log(right))),
        "val_accuracy": float(np.mean((fake >= 0.5) == (labels == 1))),
        "val_frame_auc": auc(scored["label"], fake) or 0.0,
        "val_video_auc": auc(videos["label"], videos["score"]) or 0.0,
    }
