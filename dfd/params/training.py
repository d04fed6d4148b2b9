"""The sections ``train`` and ``candidates`` of ``params.yaml``: how candidates are trained."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from dfd.errors import ParamsError
from dfd.params.section import Count, Section, Seed, checked, read_params

RESERVED = "champion"  # models/champion is the folder of the registry


class CandidateParams(Section):
    """The parameters of one candidate: the shared keys of ``train`` and the candidate's own keys.

    Attributes:
        backbone: ``inception_resnet_v2``, ``inception_resnet_v1`` (FaceNet), ``mesonet``, or the
            name of another image backbone of Keras: ``dfd.train.networks.backbones.BACKBONES``.
        weights: Weights that the backbone starts from: its published weights by name
            (``casia-webface`` for ``inception_resnet_v1``, ``imagenet`` for the others; ``mesonet``
            has none), ``none`` (random weights), ``auto`` (the published weights if they are cached
            or reachable, else random ones and a warning), or the path of a ``.weights.h5`` file of
            the backbone.
        input_size: Side of the network's square input in pixels.
        batch_size: Crops per step.
        sampling: What a batch holds: crops as they come (``plain``), as many REAL as FAKE crops
            (``balanced``), or each FAKE crop with the nearest crop of its source video
            (``paired``).
        augment: Whether training crops are augmented.
        self_blended: Share of the FAKE crops, 0..1, that are pseudo-fakes made from REAL crops.
        head_epochs: Epochs of the head phase, with a frozen backbone; a backbone with random
            weights has no such phase.
        head_learning_rate: Highest learning rate of the head phase.
        head_views: Number of augmented views of every crop in the head phase.
        finetune_from: Name of the backbone's first layer that the full phase trains; None trains
            all layers.
        epochs: Greatest number of epochs of the full phase.
        learning_rate: Highest learning rate of the full phase.
        patience: Epochs without a new best epoch after which a phase stops.
        dropout: Dropout rate before the softmax.
        weight_decay: Decay of the kernels per step, relative to the learning rate (AdamW).
        clip_norm: Greatest norm of all gradients together.
        label_smoothing: Share of a target that is given to the other class.
        ema_decay: Decay of the moving average of the weights (EMA), which is validated and kept;
            0 for no average.
        target_error: Share of wrong verdicts that is promised with 90 % confidence, if one video
            in two is fake. Videos too uncertain for that get no verdict.
        precision: ``float32``, ``mixed_bfloat16``, or ``auto``: ``mixed_bfloat16`` on a GPU, and
            with TensorFlow on a CPU that has instructions for it.
        xla: Whether XLA compiles the step; ``auto`` does so on a GPU, and with JAX on a CPU too.
        devices: Number of GPUs of this machine that share every batch; without a GPU, of CPU
            devices.
        seed: Seed of the weights, of the order of the crops and of augmentation.
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
    target_error: Annotated[float, Field(gt=0, lt=0.5)]
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
    """Return the parameters of one candidate.

    The keys of ``candidates.<name>`` override those of the section ``train``.

    Args:
        name: Name of the candidate, a key of the section ``candidates``.
        path: The parameter file.

    Raises:
        ParamsError: There is no such candidate, or a key is missing, unknown or out of range.

    Example:
        >>> params = load_candidate("mesonet", Path("params.yaml"))
        >>> params.backbone, params.sampling
        ('mesonet', 'paired')
    """
    content = read_params(path)
    candidates, shared = _candidates(content, path), content.get("train")
    if not isinstance(shared, dict):
        raise ParamsError(
            f"{path}: train is missing; copy this section from the params.yaml of the repository"
        )
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
    """Return the names of all candidates, in the order of the file.

    Args:
        path: The parameter file.

    Raises:
        ParamsError: The file or the section ``candidates`` is missing.

    Example:
        >>> candidate_names(Path("params.yaml"))
        ['inception_resnet_v2', 'mesonet']
    """
    return list(_candidates(read_params(path), path))


def _candidates(content: dict[str, Any], path: Path) -> dict[str, Any]:
    candidates = content.get("candidates")
    if not isinstance(candidates, dict) or not candidates:
        raise ParamsError(f"{path}: candidates is missing; name at least one candidate there")
    return candidates
