"""Task of the stage ``register``: a detector as a version of the registered model, and the gate."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

import dfd
from dfd.detector.card import load_card
from dfd.detector.network import load_detector
from dfd.faces.detectors import face_detector_entry
from dfd.params.faces import CropParams
from dfd.params.judging import EvaluateParams, RegisterParams
from dfd.register.comparison import comparable
from dfd.register.gate import Outcome, Reason, Ruling, rule, within_limits
from tasks import served_model
from tasks.champion import export_champion
from tasks.registry import (
    CARD,
    CHALLENGER,
    CHAMPION,
    DETECTOR,
    PREDICTIONS,
    RULING,
    VIDEOS,
    Registry,
    locked_registry,
)
from tasks.tracking import git_commit, provenance, run_of

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

REQUIREMENTS = (  # of a scan
    "av",
    "numpy",
    "onnxruntime",
    "opencv-contrib-python-headless",
    "pandas",
    "pebble",
    "platformdirs",
    "pydantic",
    "pyyaml",
)
_BATCH, _ROUNDS = 32, 3  # of the latency

RescoreWith = Callable[[Path, list[str]], pd.Series]


@dataclass(frozen=True)
class Evaluated:
    """A candidate's detector with what its evaluation left.

    Attributes:
        detector: Its directory.
        evaluation: Content of ``evaluation.json``.
        predictions: The file of its test videos' scores.
        card: The file of its model card.
    """

    detector: Path
    evaluation: Mapping[str, Any]
    predictions: Path
    card: Path


@task(task_run_name="register {name}", cache_policy=NO_CACHE)  # a callback has no key
def register_detector(
    name: str,
    candidate: Evaluated,
    videos: Path,
    params: RegisterParams,
    bootstrap: EvaluateParams,
    rescore: RescoreWith,
) -> dict[str, Any]:
    """Register one detector and let the gate decide about it; return what became of it.

    The same detector is the same version, however often this runs, and is ruled on once.

    Args:
        name: The candidate's.
        candidate: Its detector and evaluation.
        videos: The table of all videos: ``video``, ``sha256``, ``group``, ``part``.
        params: Name and limits of the registered model.
        bootstrap: Number of draws, and their seed.
        rescore: From a detector directory and ids of videos to calibrated scores, by id.
    """
    outcome: Outcome | Literal["known already"]
    reasons: tuple[Reason, ...]
    with locked_registry(params.model) as registry:
        version = _version(registry, candidate, videos)
        if RULING in version.tags:
            outcome, why, reasons = "known already", version.tags[RULING], ()
        else:
            ruling = _ruling(registry, version, candidate, params, bootstrap, rescore)
            _carry_out(registry, version, ruling)
            outcome, why, reasons = ruling.outcome, ruling.line, ruling.reasons
    get_run_logger().info("%s: version %s, %s", name, version.version, why)
    return {
        "version": int(version.version),
        "detector": load_card(candidate.detector).sha256,
        "outcome": outcome,
        "why": why,
        "reasons": [asdict(reason) for reason in reasons],
    }


def _ruling(
    registry: Registry,
    version: "ModelVersion",
    candidate: Evaluated,
    params: RegisterParams,
    bootstrap: EvaluateParams,
    rescore: RescoreWith,
) -> Ruling:
    video = candidate.evaluation["video"]
    found: dict[str, tuple[float | None, float]] = {
        "coverage": (candidate.evaluation["coverage"], params.min_coverage),
        "ms per crop": (latency_ms(candidate.detector), params.max_latency_ms),
    }
    if video["ece_low"] is not None:  # what few groups show of it is mostly chance
        found["calibration error, at least"] = (video["ece_low"], params.max_ece)
    limits = within_limits(found)
    if candidate.evaluation["leaky"]:
        limits = (*limits, Reason("split", "leaky", "by group", False))
    champion = registry.champion()
    compared = None
    if champion is not None and all(reason.holds for reason in limits):
        compared = compare(registry, version, champion, rescore)
    return rule(limits, compared, bootstrap.bootstrap, bootstrap.seed)


def compare(
    registry: Registry, ours: "ModelVersion", theirs: "ModelVersion", rescore: RescoreWith
) -> pd.DataFrame:
    """Return the scores of two versions on videos that neither was trained on.

    Raises:
        RegistryError: A file of either is gone.
        DetectorError: The detector to score anew cannot be loaded.
    """
    detector = registry.file(theirs, DETECTOR)
    load_card(detector)  # one of another format is refused, whether or not it scores anew

    def again(ids: list[str]) -> pd.Series:
        return rescore(detector, ids)

    tables = [
        (registry.table(version, PREDICTIONS), registry.table(version, VIDEOS))
        for version in (ours, theirs)
    ]
    return comparable(tables[0], tables[1], again)


def _carry_out(registry: Registry, version: "ModelVersion", ruling: Ruling) -> None:
    client, run_id = registry.client, version.run_id
    rows = pd.DataFrame([asdict(reason) for reason in ruling.reasons])
    if run_id and not rows.empty:
        client.log_table(run_id, rows.astype(str), "registration/ruling.json")
    if ruling.outcome == "promote":
        registry.lead(version, ruling.line)
    elif ruling.outcome == "keep":
        client.set_registered_model_alias(registry.model, CHALLENGER, version.version)
    client.set_model_version_tag(registry.model, version.version, RULING, ruling.line)


def latency_ms(detector: Path) -> float:
    """Return the milliseconds this machine takes for a crop: of batches of 32 the best of three."""
    loaded = load_detector(detector)
    crops = np.zeros((_BATCH, loaded.card.input_size, loaded.card.input_size, 3), np.uint8)
    loaded.predict(crops)  # the first call takes memory
    spent = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        loaded.predict(crops)
        spent.append(time.perf_counter() - begun)
    return 1000 * min(spent) / _BATCH


def leaders(params: RegisterParams, champion: Path) -> dict[str, int]:
    """Put the champion's detector into the folder ``champion``; return who leads and challenges."""
    with locked_registry(params.model) as registry:
        export_champion(registry, champion)
        aliases = registry.aliases()
    return {alias: aliases[alias] for alias in (CHAMPION, CHALLENGER) if alias in aliases}


def _version(registry: Registry, candidate: Evaluated, videos: Path) -> "ModelVersion":
    """Return the version of a detector, made if there is none."""
    wanted = load_card(candidate.detector).sha256
    for version in registry.versions():
        if version.tags.get("detector") == wanted:
            return version
    return _create_version(registry, candidate, videos)


def _create_version(registry: Registry, candidate: Evaluated, videos: Path) -> "ModelVersion":
    card = load_detector(candidate.detector).card  # a damaged one is refused before it can lead
    import mlflow

    files = {
        DETECTOR: candidate.detector,
        PREDICTIONS: candidate.predictions,
        VIDEOS: videos,
        CARD: candidate.card,
    }
    tags = {
        "candidate": card.candidate,
        "git_commit": git_commit(),
        **provenance(card),
        "validation_video_auc": f"{card.validation['video']['auc']}",
        "test_video_auc": f"{candidate.evaluation['video']['auc']}",
    }
    with mlflow.start_run(run_id=run_of(registry.client, candidate.detector)):
        uri = log_served_model(files, card.crop)
        version = mlflow.register_model(uri, registry.model, tags=tags)
    registry.client.update_model_version(
        registry.model, version.version, candidate.card.read_text(encoding="utf-8")
    )
    return registry.version(str(version.version))


def log_served_model(files: Mapping[str, Path], crop: CropParams) -> str:
    """Log a detector to the active run as a model that judges videos; return its address.

    Args:
        files: What to keep with it, the detector's directory among them.
        crop: How its crops are made.
    """
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    needed = [*REQUIREMENTS, *face_detector_entry(crop.detector).packages]
    logged = mlflow.pyfunc.log_model(
        name="detector",
        python_model=served_model.__file__,
        artifacts={name: str(path) for name, path in files.items()},
        code_paths=[str(Path(dfd.__file__).parent)],
        signature=ModelSignature(Schema([ColSpec("string", "video")])),
        input_example=pd.DataFrame({"video": ["clip.mp4"]}),
        pip_requirements=[f"{name}=={installed(name)}" for name in needed],
    )
    return str(logged.model_uri)
