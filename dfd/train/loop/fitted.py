"""What training one candidate leaves."""

from dataclasses import asdict, dataclass

import keras

from dfd.detector.card import DetectorCard
from dfd.detector.domain import Domain
from dfd.detector.keras_file import weights_sha256
from dfd.params.faces import CropParams
from dfd.params.training import CandidateParams
from dfd.scoring.decision import Decision
from dfd.scoring.metrics import Metrics
from dfd.train.loop.records import EpochRecord


@dataclass(frozen=True)
class Fitted:
    """A trained network and what is known about it.

    Attributes:
        model: The network of ``build_model`` with the best epoch's weights.
        weights: What its backbone started from: ``imagenet``, ``casia-webface``, ``none`` or
            a file's name.
        history: One record per epoch run.
        decision: How scores become verdicts.
        frames: Figures per validation crop, as decided.
        videos: Figures per validation video, as decided.
        train_sha256: Identity of the training crops.
    """

    model: keras.Model
    weights: str
    history: tuple[EpochRecord, ...]
    decision: Decision
    frames: Metrics
    videos: Metrics
    train_sha256: str

    def card(
        self,
        candidate: str,
        params: CandidateParams,
        crop: CropParams,
        domain: Domain,
        split_sha256: str,
        leaky: bool,
    ) -> DetectorCard:
        """Return the detector's card.

        Args:
            candidate: Name in the section ``candidates``.
            params: What this was fitted with.
            crop: How the crops were made.
            domain: What this was fitted on.
            split_sha256: Hash of the split's file.
            leaky: Whether the split let groups cross.
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
