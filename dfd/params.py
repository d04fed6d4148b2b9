"""The sections of ``params.yaml`` as frozen, checked records; one class a section."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dfd.errors import ParamsError

Protocol = Literal["group", "official", "frame"]
FaceDetectorName = Literal["retinaface-mobilenet", "retinaface-resnet50"]

RESERVED = "champion"  # no candidate's name: its folder is the registry's

Fraction = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Section(BaseModel):
    """A section of the file: frozen, and an unknown key is an error rather than a typo unseen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=Section)


class DatasetParams(Section):
    """Where the labelled videos are, how their labels are written, and the data set's name.

    Attributes:
        videos: The folder.
        layout: A name in ``dfd.dataset.layouts.LAYOUTS``.
        name: Kept with every video.
    """

    videos: str
    layout: str
    name: str


class SplitFractions(Section):
    """Share of the videos in each part; the three add up to one."""

    train: Fraction
    validation: Fraction
    test: Fraction

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if abs(self.train + self.validation + self.test - 1) > 1e-6:
            raise ValueError("train, validation and test must add up to 1")
        return self


class SplitParams(Section):
    """How videos are divided.

    Attributes:
        protocol: ``group`` deals whole groups, ``official`` takes the parts the data set states,
            ``frame`` draws per frame and leaks on purpose. Everything made from a split in which
            groups cross is marked.
        seed: Seed of what is drawn.
        fractions: Share of each part; of ``official``, only what train and validation share.
    """

    protocol: Protocol
    seed: Seed
    fractions: SplitFractions


class CropParams(Section):
    """How faces are found and cropped; a detector carries these and crops as it was trained.

    Attributes:
        detector: Face detector by name.
        frames_per_video: Frames sampled evenly over the whole clip, or ``all``.
        detection_size: Longest side in pixels at which faces are looked for; never enlarged.
        min_score: Detections below this score, 0..1, are dropped.
        min_face: Faces whose longer side is under this many source pixels are dropped.
        max_tracks: Most persistent tracks kept per video.
        margin: Share of the face box's longer side added on each side of the square crop.
        crop_size: Side of a stored crop in pixels.
        jpeg_quality: Quality of the stored crops, 1..100.
    """

    detector: FaceDetectorName
    frames_per_video: Count | Literal["all"]
    detection_size: Annotated[int, Field(ge=64, le=4096)]
    min_score: Annotated[float, Field(ge=0, le=1)]
    min_face: Count
    max_tracks: Count
    margin: Annotated[float, Field(ge=0, le=2)]
    crop_size: Annotated[int, Field(ge=32, le=1024)]
    jpeg_quality: Annotated[int, Field(ge=1, le=100)]

    @field_validator("frames_per_video", mode="before")
    @classmethod
    def _number_or_all(cls, value: Any) -> Any:
        if value != "all" and (type(value) is not int or value < 1):
            raise ValueError(f"must be a number from 1 on, or all (got {value!r})")
        return value


class FacesParams(CropParams):
    """The section ``faces``: what the crops are, and how the stage makes and keeps them.

    Attributes:
        shards: Number of tar files the crops are spread over.
        runner: Where videos are extracted: ``threads`` of this machine, or ``dask``.
        dask_address: Scheduler of an existing Dask cluster, ``tcp://host:port``; None for a local
            one. Its workers must see the project's folder under the same path.
        time_limit_s: Seconds after which a video is given up.
        memory_limit_mb: Memory, in 2**20 bytes, above which a video is given up.
    """

    shards: Annotated[int, Field(ge=1, le=4096)]
    runner: Literal["threads", "dask"]
    dask_address: Annotated[str, Field(pattern=r"^[a-z]+://\S+:\d+$")] | None
    time_limit_s: Annotated[int, Field(ge=1)]
    memory_limit_mb: Annotated[int, Field(ge=512)]

    @property
    def crop(self) -> CropParams:
        """What the crops depend on."""
        return CropParams.model_validate(self.model_dump(include=set(CropParams.model_fields)))


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


class EvaluateParams(Section):
    """Number of bootstrap resamples of the groups, and their seed."""

    bootstrap: Annotated[int, Field(ge=100)]
    seed: Seed


class RobustnessParams(Section):
    """Names of the candidates whose robustness is measured; none unless asked for."""

    candidates: list[str]


class RegisterParams(Section):
    """The registered model, and the limits outside which a detector never leads.

    Attributes:
        model: Its name; the candidates' detectors are its versions.
        min_coverage: Least share of the test videos with a verdict.
        max_ece: Greatest expected calibration error of videos: the lower end of its interval.
        max_latency_ms: Most milliseconds a crop may take on the machine that registers.
    """

    model: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
    min_coverage: Annotated[float, Field(ge=0, le=1)]
    max_ece: Annotated[float, Field(ge=0, le=1)]
    max_latency_ms: Annotated[float, Field(gt=0)]


_SECTIONS: dict[str, type[Section]] = {
    "dataset": DatasetParams,
    "split": SplitParams,
    "faces": FacesParams,
    "evaluate": EvaluateParams,
    "robustness": RobustnessParams,
    "register": RegisterParams,
}


def read_params(path: Path) -> dict[str, Any]:
    """Return the file as a mapping of sections.

    Raises:
        ParamsError: The file is missing, is not YAML, or is not a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParamsError(
            f"{path}: cannot be read ({error.strerror}); run in the project's root"
        ) from error
    except yaml.YAMLError as error:
        line = str(error).replace("\n", " ")
        raise ParamsError(f"{path}: not valid YAML ({line}); mend the file") from error
    if not isinstance(content, dict):
        raise ParamsError(f"{path}: holds no sections; expected {', '.join(_SECTIONS)} and train")
    return content


def load_section(section: type[S], path: Path = Path("params.yaml")) -> S:
    """Return one checked section of the file.

    Raises:
        ParamsError: The section or one of its keys is missing, unknown or out of range.
    """
    name = next(name for name, kind in _SECTIONS.items() if kind is section)
    return _checked(section, read_params(path).get(name), f"{path}: {name}")


def load_candidate(name: str, path: Path = Path("params.yaml")) -> CandidateParams:
    """Return the training parameters of one candidate, its own keys over the shared ones.

    Raises:
        ParamsError: There is no such candidate, or a key is missing, unknown or out of range.
    """
    train = read_params(path).get("train")
    candidates = train.get("candidates") if isinstance(train, dict) else None
    if not isinstance(train, dict) or not isinstance(candidates, dict):
        raise ParamsError(f"{path}: train.candidates is missing; name at least one candidate there")
    if name == RESERVED:
        raise ParamsError(
            f"{path}: train.candidates.{name}: the registry keeps its own detector in "
            f"models/{name}; choose another name"
        )
    if name not in candidates:
        raise ParamsError(f"{path}: no train.candidates.{name}; there are {', '.join(candidates)}")
    if not isinstance(candidates[name] or {}, dict):
        raise ParamsError(f"{path}: train.candidates.{name} must map keys to values")
    shared = {key: value for key, value in train.items() if key != "candidates"}
    for key in shared.keys() - CandidateParams.model_fields.keys():
        known = ", ".join(CandidateParams.model_fields)
        raise ParamsError(f"{path}: train.{key}: no such key; there are {known}")
    merged = {**shared, **(candidates[name] or {})}
    return _checked(CandidateParams, merged, f"{path}: train.candidates.{name}")


def candidate_names(path: Path = Path("params.yaml")) -> list[str]:
    """Return the names under ``train.candidates``, in the file's order.

    Raises:
        ParamsError: The file or the mapping is missing.
    """
    train = read_params(path).get("train")
    candidates = train.get("candidates") if isinstance(train, dict) else None
    if not isinstance(candidates, dict) or not candidates:
        raise ParamsError(f"{path}: train.candidates is missing; name at least one candidate there")
    return list(candidates)


def _checked(section: type[S], content: Any, where: str) -> S:
    if content is None:
        raise ParamsError(f"{where} is missing; restore it from the params.yaml of the repository")
    try:
        return section.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        named = first["type"] in ("missing", "value_error")  # its message says all there is to say
        value = "" if named else f" (got {first['input']!r})"
        problem = first["msg"].removeprefix("Value error, ")
        raise ParamsError(f"{where}{'.' if key else ''}{key}: {problem}{value}") from error
