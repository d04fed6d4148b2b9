"""The section ``train`` of ``params.yaml``: what a candidate is trained with."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from dfd.errors import ParamsError
from dfd.params.section import Count, Section, Seed, checked, read_params

RESERVED = "champion"  # no candidate's name: its folder is the registry's


class CandidateParams(Section):
    """Everything one candidate is trained with: the shared keys and the candidate's own.

    Attributes:
        backbone: ``inception_resnet_v2``, ``inception_resnet_v1`` (FaceNet), ``mesonet`` or one of
            Keras' image backbones by name.
        weights: The backbone's published weights (``casia-webface`` for ``inception_resnet_v1``,
            else ``imagenet``), ``none``, ``auto`` (the published ones when cached or reachable,
            else random, said aloud) or the path of a ``.weights.h5`` file of the backbone.
        input_size: Side in pixels of the network's square input.
        batch_size: Crops per step.
        sampling: What a batch holds: crops as they come (``plain``), as many REAL as FAKE ones
            (``balanced``), or each FAKE crop with its own source at nearly the same time
            (``paired``).
        augment: Whether training crops are randomly altered.
        self_blended: Share of the FAKE crops that are made from REAL ones instead, 0..1.
        head_epochs: Epochs with the backbone frozen; skipped when its weights are random.
        head_learning_rate: Adam's highest rate in that phase.
        head_views: Times every crop is drawn and altered for that phase.
        finetune_from: Name of the backbone's first layer that fine-tuning changes; None for all.
        epochs: Most epochs of the fine-tuning phase (the whole network, from random weights).
        learning_rate: Adam's highest rate in the fine-tuning phase.
        patience: Epochs without a better validation AUC before training stops.
        dropout: Dropout rate before the softmax.
        weight_decay: Decay of the kernels per step and rate (AdamW); 0 is plain Adam.
        clip_norm: Greatest norm of all gradients together.
        label_smoothing: Share of a target that goes to the other class.
        ema_decay: Decay of the moving average of the weights that is validated and kept; 0: none.
        target_error: Share of wrong verdicts on validation that the inconclusive band aims at.
        precision: ``float32`` or ``mixed_bfloat16``; ``auto`` takes the latter on a GPU.
        xla: Whether XLA compiles the step; ``auto`` does on a GPU and, with JAX, everywhere.
        devices: GPUs of this machine that share every batch (without a GPU: CPU devices).
        seed: Seed of weights, order and augmentation.
    """

    SECTION: ClassVar[str] = "train"

    backbone: str
    weights: str
    input_size: Annotated[int, Field(ge=32, le=1024)]
    batch_size: Count
    sampling: Literal["plain", "balanced", "paired"]
    augment: bool
    self_blended: Annotated[float, Field(ge=0, le=1)]
    head_epochs: Annotated[int, Field(ge=0)]
    head_learning_rate: Annotated[float, Field(gt=0)]
    head_views: Count
    finetune_from: str | None
    epochs: Count
    learning_rate: Annotated[float, Field(gt=0)]
    patience: Count
    dropout: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: Annotated[float, Field(ge=0, lt=1)]
    clip_norm: Annotated[float, Field(gt=0)]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    ema_decay: Annotated[float, Field(ge=0, lt=1)]
    target_error: Annotated[float, Field(gt=0, lt=1)]
    precision: Literal["auto", "float32", "mixed_bfloat16"]
    xla: bool | Literal["auto"]
    devices: Count
    seed: Seed

    @model_validator(mode="after")
    def _batches_can_be_filled(self) -> Self:
        if self.sampling == "plain" and self.self_blended:
            raise ValueError("self_blended needs sampling: balanced or paired")
        if self.sampling != "plain" and self.batch_size % 2:
            raise ValueError(f"sampling: {self.sampling} needs an even batch_size")
        if self.batch_size % self.devices:
            raise ValueError("batch_size must be a multiple of devices")
        return self


def load_candidate(name: str, path: Path = Path("params.yaml")) -> CandidateParams:
    """Return the parameters of one candidate: the section ``train`` with the candidate's own keys.

    Args:
        name: A key of the section ``candidates``; its keys override those of ``train``.
        path: The file.

    Raises:
        ParamsError: There is no such candidate, or a key is missing, unknown or out of range.
    """
    content = read_params(path)
    candidates, shared = _candidates(content, path), content.get("train")
    if not isinstance(shared, dict):
        raise ParamsError(f"{path}: train is missing; restore it from the repository's params.yaml")
    if name == RESERVED:
        raise ParamsError(
            f"{path}: candidates.{name}: the registry keeps its own detector in models/{name}; "
            "choose another name"
        )
    if name not in candidates:
        raise ParamsError(f"{path}: no candidates.{name}; there are {', '.join(candidates)}")
    if not isinstance(candidates[name] or {}, dict):
        raise ParamsError(f"{path}: candidates.{name} must map keys to values")
    for key in shared.keys() - CandidateParams.model_fields.keys():
        known = ", ".join(CandidateParams.model_fields)
        raise ParamsError(f"{path}: train.{key}: no such key; there are {known}")
    merged = {**shared, **(candidates[name] or {})}
    return checked(CandidateParams, merged, f"{path}: candidates.{name}")


def candidate_names(path: Path = Path("params.yaml")) -> list[str]:
    """Return the names in the section ``candidates``, in the file's order.

    Raises:
        ParamsError: The file or the section is missing.
    """
    return list(_candidates(read_params(path), path))


def _candidates(content: dict[str, Any], path: Path) -> dict[str, Any]:
    candidates = content.get("candidates")
    if not isinstance(candidates, dict) or not candidates:
        raise ParamsError(f"{path}: candidates is missing; name at least one candidate there")
    return candidates
