"""Where the stages keep their files, and reading the results that they have written.

The paths are relative to the project's root; ``dvc.yaml`` names the same.
"""

import json
from pathlib import Path
from typing import Any

from dfd.errors import EvaluationError

VIDEOS = Path("data/videos")
INDEX = Path("data/videos.csv")
SPLIT = Path("data/split.csv")
SPLIT_SUMMARY = Path("metrics/split.json")
SPLIT_PAGE = Path("metrics/split.html")
FACES = Path("data/faces")
PICTURES_STORE = Path(".cache/pictures")  # hashes of each video's pictures, kept by its content
FACES_STORE = Path(".cache/faces")  # faces of each video, kept when the stage is interrupted
PERTURBED_STORE = Path(".cache/robustness")  # faces of perturbed videos
PACKED = Path("data/packed")  # the crops as pixels, for training
RECROPPED = Path(".cache/recropped")  # faces cropped as a detector of other parameters needs
CHECKPOINTS = Path(".cache/train")  # an interrupted training continues from here
CHAMPION = Path("models/champion")  # exported by the registry; .dvcignore keeps it from DVC
REGISTRATION = Path("metrics/registration.json")


def detector_dir(candidate: str) -> Path:
    """Return the detector directory of a candidate."""
    return Path("models") / candidate


def metrics_dir(candidate: str) -> Path:
    """Return the folder of a candidate's metrics."""
    return Path("metrics") / candidate


def plots_dir(candidate: str) -> Path:
    """Return the folder of a candidate's plots."""
    return Path("plots") / candidate


def evaluated(candidates: list[str]) -> list[str]:
    """Return those of the candidates that have been trained and evaluated.

    Args:
        candidates: Names of candidates, one or more.

    Raises:
        EvaluationError: No candidate has been evaluated yet.
    """
    done = [name for name in candidates if (metrics_dir(name) / "evaluation.json").exists()]
    if not done:
        raise EvaluationError(
            f"{metrics_dir(candidates[0])}: not there yet; run `make demo` or `dvc repro`"
        )
    return done


def read_result(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file that a stage has written.

    Raises:
        EvaluationError: The stage has not run yet, or the file is damaged.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EvaluationError(f"{path}: not there yet; run `make demo` or `dvc repro`") from error
    except ValueError as error:
        raise EvaluationError(f"{path}: damaged ({error}); run `dvc checkout`") from error
    return content
