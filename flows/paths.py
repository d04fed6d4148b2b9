"""Where the stages keep their files, from the project's root; ``dvc.yaml`` names the same."""

import json
from pathlib import Path
from typing import Any

from dfd.errors import EvaluationError

VIDEOS = Path("data/videos")
INDEX = Path("data/videos.csv")
SPLIT = Path("data/split.csv")
SPLIT_SUMMARY = Path("metrics/split.json")
FACES = Path("data/faces")
FACES_STORE = Path(".cache/faces")  # what is already extracted, kept beside the stage's output
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


def read_result(path: Path) -> dict[str, Any]:
    """Return the JSON that a stage has left.

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
