"""Task of the stage ``register``: detectors as versions of one model in MLflow."""

import warnings
from collections.abc import Mapping
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from prefect import get_run_logger, task

import dfd
from dfd.detector import DetectorCard, detector_hash, load_card, load_detector
from dfd.errors import RegistryError
from tasks import served_detector
from tasks.tracking import connect, git_commit, provenance, run_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, CHALLENGER = "champion", "challenger"
REQUIREMENTS = (
    "keras",
    "numpy",
    "opencv-contrib-python-headless",
    "pandas",
    "pydantic",
    "pyyaml",
    "scikit-learn",
    "tensorflow",
)


@task(task_run_name="register {model}")
def register_detectors(
    detectors: Mapping[str, Path], evaluations: Mapping[str, Mapping[str, Any]], model: str
) -> dict[str, Any]:
    """Register every detector, best on validation first, and return what became of each.

    The same detector is the same version, however often this runs. A new version is the
    ``challenger``; it becomes ``champion`` when there is none, or when its validation video AUC is
    higher than the champion's, which then is the challenger. A leaky detector never leads.

    Args:
        detectors: Detector directory by candidate.
        evaluations: Content of ``evaluation.json`` by candidate.
        model: Name of the registered model.
    """
    client = connect()
    if not client.search_registered_models(f"name = '{model}'"):
        client.create_registered_model(model)
    ranked = sorted(detectors, key=lambda name: _rank(load_card(detectors[name])), reverse=True)
    decisions = {
        name: _register(client, model, detectors[name], evaluations[name]) for name in ranked
    }
    for name, decision in decisions.items():
        get_run_logger().info("%s: version %s, %s", name, decision["version"], decision["decision"])
    aliases = client.get_registered_model(model).aliases
    return {
        "model": model,
        **{alias: int(aliases[alias]) for alias in (CHAMPION, CHALLENGER) if alias in aliases},
        "candidates": decisions,
    }


def _rank(card: DetectorCard) -> tuple[float, float]:
    videos = card.validation_videos
    return videos.auc or 0.0, -videos.log_loss


def _register(
    client: "MlflowClient", model: str, detector: Path, evaluation: Mapping[str, Any]
) -> dict[str, Any]:
    card = load_card(detector)
    record = {"detector": detector_hash(detector), "validation_video_auc": _rank(card)[0]}
    found = client.search_model_versions(
        f"name = '{model}' and tags.detector = '{record['detector']}'"
    )
    if found:
        version, decision = found[0], "known already"
    else:
        version = _create_version(client, model, detector, card, evaluation)
        decision = promote(client, model, version, leaky=card.leaky)
    return {"version": int(version.version), "decision": decision, **record}


def _create_version(
    client: "MlflowClient",
    model: str,
    detector: Path,
    card: DetectorCard,
    evaluation: Mapping[str, Any],
) -> "ModelVersion":
    load_detector(detector)  # a damaged one is refused before it can lead
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    shape = (-1, card.input_size, card.input_size, 3)
    signature = ModelSignature(
        Schema([TensorSpec(np.dtype("uint8"), shape, "crops")]),
        Schema([TensorSpec(np.dtype("float32"), (-1,), "p_fake")]),
    )
    with mlflow.start_run(run_id=run_of(client, detector)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*type hints.*")  # the signature is given
        logged = mlflow.pyfunc.log_model(
            name="detector",
            python_model=served_detector.__file__,
            artifacts={"detector": str(detector)},
            code_paths=[str(Path(dfd.__file__).parent)],
            signature=signature,
            input_example={"crops": np.zeros((1, *shape[1:]), np.uint8)},
            pip_requirements=[f"{name}=={installed(name)}" for name in REQUIREMENTS],
        )
        tags = {
            "candidate": card.candidate,
            "git_commit": git_commit(),
            **provenance(card, detector),
            "validation_video_auc": f"{_rank(card)[0]:.6f}",
            "test_video_auc": f"{evaluation['video']['auc']}",
        }
        return mlflow.register_model(logged.model_uri, model, tags=tags)


def promote(client: "MlflowClient", model: str, version: "ModelVersion", *, leaky: bool) -> str:
    """Make a new version the challenger or the champion, and return the decision in words.

    Raises:
        RegistryError: The champion does not say what it reached.
    """
    aliases = client.get_registered_model(model).aliases
    held = aliases.get(CHAMPION)
    champion = client.get_model_version(model, held) if held else None
    if champion and "validation_video_auc" not in champion.tags:
        raise RegistryError(
            f"{model} version {held}: the champion has no tag validation_video_auc to be compared "
            "by; give it one, or take its alias away"
        )
    best = float(champion.tags["validation_video_auc"]) if champion else -1.0
    ours = float(version.tags["validation_video_auc"])
    if leaky or ours <= best:
        client.set_registered_model_alias(model, CHALLENGER, version.version)
        return "challenger: leaky" if leaky else f"challenger: {ours:.4f} <= {best:.4f}"
    client.set_registered_model_alias(model, CHAMPION, version.version)
    if champion is None:
        return "champion: the first"
    client.set_registered_model_alias(model, CHALLENGER, champion.version)
    return f"champion: {ours:.4f} > {best:.4f}"
