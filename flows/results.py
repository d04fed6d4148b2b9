"""What stages have left for later ones and for the summary."""

import json
from pathlib import Path
from typing import Any

from dfd.errors import EvaluationError
from flows.paths import metrics_dir


def evaluated_candidates() -> list[str]:
    """Return the candidates of ``params.yaml`` that have been trained and evaluated.

    Raises:
        EvaluationError: None has.
        ParamsError: ``params.yaml`` names no candidate.
    """
    from dfd.params.training import candidate_names  # here: every command imports these paths

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
