"""Where the stages keep their files, from the project's root; ``dvc.yaml`` names the same."""

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
FACES_STORE = Path(".cache/faces")  # what is already extracted, kept beside the stage's output
PERTURBED_STORE = Path(".cache/robustness")  # likewise, of perturbed videos
PACKED = Path("data/packed")  # the crops as pixels, for training
CROSSED = Path(".cache/crossed")  # faces cropped as a detector of other parameters wants them
CHECKPOINTS = Path(".cache/train")  # what a training run that is killed goes on from
CHAMPION = Path("models/champion")  # the registry's, not a stage's: .dvcignore names it
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


def evaluated_candidates() -> list[str]:
    """Return the candidates of ``params.yaml`` that have been trained and evaluated.

    Raises:
        EvaluationError: None has.
        ParamsError: ``params.yaml`` names no candidate.
    """
    from dfd.params import candidate_names  # here: every command imports these paths

    names = candidate_names()
    done = [name for name in names if (metrics_dir(name) / "evaluation.json").exists()]
    if not done:
        raise EvaluationError(
            f"{metrics_dir(names[0])}: not there yet; run `make demo` or `dvc repro`"
        )
    return done


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
