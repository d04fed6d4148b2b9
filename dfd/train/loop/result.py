"""The result of a training run: the network, its decision and its validation metrics."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import keras

from dfd.arrays import Scores
from dfd.detector.card import DetectorCard
from dfd.detector.domain import Domain
from dfd.detector.keras_file import weights_sha256
from dfd.params.faces import CropParams
from dfd.params.training import CandidateParams
from dfd.scoring.aggregate import video_scores
from dfd.scoring.decision import THRESHOLD, Decision
from dfd.scoring.fitting import fit_decision
from dfd.scoring.metrics import Metrics, measure
from dfd.train.feed.crops import Crops
from dfd.train.loop.history import Criterion, EpochRecord, best_epoch
from dfd.train.loop.network import StartNetwork


@dataclass(frozen=True)
class TrainingResult:
    """A trained network, and what was measured while it was trained.

    Attributes:
        model: The network of ``build_model`` with the weights of the best epoch.
        weights: Weights that the backbone started from: ``imagenet``, ``casia-webface``, ``none``
            (random) or the name of a file.
        history: One record per epoch.
        criterion: What the best epoch was chosen by.
        decision: Calibration and inconclusive band, fitted on the validation videos.
        frames: Metrics of the validation crops under this decision.
        videos: Metrics of the validation videos under this decision.
        train_sha256: Hash of the training crops.
    """

    model: keras.Model
    weights: str
    history: tuple[EpochRecord, ...]
    criterion: Criterion
    decision: Decision
    frames: Metrics
    videos: Metrics
    train_sha256: str

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights were kept, from 1."""
        return best_epoch(self.history, self.criterion).epoch

    def card(
        self,
        candidate: str,
        params: CandidateParams,
        crop: CropParams,
        domain: Domain,
        split_sha256: str,
        leaky: bool,
    ) -> DetectorCard:
        """Return the card of the detector.

        Args:
            candidate: The candidate's name in the section ``candidates``.
            params: The parameters it was trained with.
            crop: The parameters its crops were made with.
            domain: The domain of its training videos.
            split_sha256: Hash of the split's file.
            leaky: Whether the split lets a group lie in several parts.
        """
        return DetectorCard(
            candidate=candidate,
            backbone=params.backbone,
            weights=self.weights,
            input_size=params.input_size,
            domain=domain,
            crop=crop,
            params=params.model_dump(mode="json"),
            decision=self.decision,
            train_sha256=self.train_sha256,
            split_sha256=split_sha256,
            leaky=leaky,
            validation={"frame": asdict(self.frames), "video": asdict(self.videos)},
            parameters=self.model.count_params(),
            weights_sha256=weights_sha256(self.model),
        )


def training_result(
    network: StartNetwork,
    history: Sequence[EpochRecord],
    train: Crops,
    validation: Crops,
    scores: Scores,
    target_error: float,
    criterion: Criterion,
) -> TrainingResult:
    """Fit the decision on the validation videos, and return the result of a run.

    Args:
        network: The trained network.
        history: One record per epoch.
        train: The training crops.
        validation: The validation crops.
        scores: P(FAKE) of each validation crop under the network, float64 (N,).
        target_error: Share of wrong verdicts, 0..1, that is to be promised.
        criterion: What the best epoch was chosen by.
    """
    crops = validation.table.assign(score=scores)
    videos = video_scores(crops)
    decision = fit_decision(
        *(videos["label"], videos["score"], videos["group"]),
        target_error=target_error,
        crops=videos["deciding_crops"],
    )
    frame_metrics, video_metrics = (
        measure(table["label"], decision.calibration.apply(table["score"]), THRESHOLD)
        for table in (crops, videos)
    )
    return TrainingResult(
        model=network.model,
        weights=network.weights,
        history=tuple(history),
        criterion=criterion,
        decision=decision,
        frames=frame_metrics,
        videos=video_metrics,
        train_sha256=train.sha256,
    )
