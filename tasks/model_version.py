"""From a detector directory to a version of the registered model, and back for the champion."""

import base64
import io
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import dfd
from dfd.detector.card import REGISTERED, load_card
from dfd.detector.network import load_detector
from dfd.errors import RegistryError
from dfd.extras import core_packages
from dfd.faces.detectors import face_detector_entry
from dfd.files import hash_json, replacing_folder, sweep, write_json
from dfd.params.faces import CropParams
from tasks import served_model
from tasks.registry import CARD, DETECTOR, PREDICTIONS, TEST_PART, VIDEOS, Registry
from tasks.tracking import git_commit, provenance, run_of

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


@dataclass(frozen=True)
class Evaluated:
    """A candidate's detector and the files of its evaluation.

    Attributes:
        detector: Detector directory.
        evaluation: Content of ``evaluation.json``.
        predictions: CSV file with the scores of the test videos.
        card: Markdown file of the model card.
    """

    detector: Path
    evaluation: Mapping[str, Any]
    predictions: Path
    card: Path


def registered(registry: Registry, candidate: Evaluated, videos: Path) -> "ModelVersion":
    """Return the version that holds a candidate's detector; the first call creates it.

    Args:
        registry: The registry, held by this process.
        candidate: The detector and its evaluation.
        videos: CSV file of all videos: ``video``, ``group``, ``part`` and their hashes.

    Raises:
        DetectorError: The detector is damaged.
    """
    wanted = load_card(candidate.detector).sha256
    for version in registry.versions():
        if version.tags.get("detector") == wanted:
            return version
    return _create(registry, candidate, videos)


def log_served_model(files: Mapping[str, Path], crop: CropParams) -> str:
    """Log a detector to MLflow's active run as a model that judges videos; return its address.

    Args:
        files: Files and folders to keep with the model, by name; ``detector`` is the detector
            directory.
        crop: How the detector's crops are made; its face detector may need a package more.
    """
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    packages = [*core_packages(), *face_detector_entry(crop.detector).packages]
    logged = mlflow.pyfunc.log_model(
        name="detector",
        python_model=served_model.__file__,
        artifacts={name: str(path) for name, path in files.items()},
        model_config={DETECTOR: load_card(files[DETECTOR]).sha256},
        code_paths=[str(Path(dfd.__file__).parent)],
        signature=ModelSignature(Schema([ColSpec("string", "video")])),
        input_example=pd.DataFrame({"video": [_example_video()]}),
        pip_requirements=[f"{name}=={installed(name)}" for name in packages],
    )
    return str(logged.model_uri)


def export_champion(registry: Registry, folder: Path) -> None:
    """Write the champion's detector into a folder, where a scan finds it without MLflow.

    Args:
        registry: The registry, held by this process.
        folder: The folder to replace. Without a champion it is removed.

    Raises:
        RegistryError: The version's files are gone or have changed, or the folder cannot be
            written. The folder is then as it was.
    """
    champion = registry.champion()
    try:
        sweep(folder)
        if champion is None:
            if folder.exists():
                shutil.rmtree(folder)
            return
        source = registry.detector(champion)
        with replacing_folder(folder) as partial:
            for path in sorted(source.iterdir()):
                # No hard link: editing a file of the folder leaves the version as it is.
                shutil.copyfile(path, partial / path.name)
            write_json(
                partial / REGISTERED,
                {"model": registry.model, "version": str(champion.version)},
            )
    except OSError as error:
        raise RegistryError(
            f"{folder}: the champion cannot be put there ({error.strerror or error}); make room or "
            "give rights, then run `dfd run register`"
        ) from error


def _example_video() -> str:
    """Return a small MP4 of a grey picture in base64: what a client of the served model sends."""
    import av  # takes 0.2 s to import

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        grey = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 128, np.uint8), format="rgb24")
        container.mux(stream.encode(grey))
        container.mux(stream.encode())
    return base64.b64encode(file.getvalue()).decode()


def _create(registry: Registry, candidate: Evaluated, videos: Path) -> "ModelVersion":
    card = load_detector(candidate.detector).card  # a damaged detector must never lead
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
        TEST_PART: _test_part(videos),
        "test_video_auc": f"{candidate.evaluation['video']['auc']}",
    }
    with mlflow.start_run(run_id=run_of(registry.client, candidate.detector)):
        uri = log_served_model(files, card.crop)
    return registry.client.create_model_version(
        *(registry.model, uri),
        tags=tags,
        description=candidate.card.read_text(encoding="utf-8"),
        model_id=uri.removeprefix("models:/"),
    )


def _test_part(videos: Path) -> str:
    """Return a hash of what the test videos hold, whatever they are called."""
    table = pd.read_csv(videos)
    return hash_json(sorted(table.loc[table["part"] == "test", "sha256"]))
