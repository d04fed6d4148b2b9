"""Registrations of a better detector than the champion, each killed at one of its writes.

``python -m tests.registrations FOLDER``: a program of its own, whose child processes are killed.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from prefect.logging import disable_run_logger

from dfd.detector.card import load_card
from dfd.params.evaluation import EvaluateParams, RegisterParams
from tasks import model_version
from tasks import register as registration
from tasks.model_version import Evaluated, log_served_model
from tasks.register import leaders, register_detector
from tasks.registry import CARD, DETECTOR, PREDICTIONS, VIDEOS, open_registry
from tasks.tracking import connect, run_of
from tests.detectors import write_detector

MODEL = "deepfake-detector"
LIMITS = {"min_coverage": 0.5, "max_error": 0.25, "max_ece": 0.2, "max_latency_ms": 10_000}
WRITES = (
    *("create_model_version", "update_model_version", "set_model_version_tag"),
    *("set_registered_model_alias", "delete_registered_model_alias", "log_table"),
)
_GROUPS = 40


def evaluated(folder: Path, detector: Path, noise: float) -> tuple[Evaluated, Path]:
    """Write what an evaluation leaves, on videos that are the same for every detector.

    Args:
        folder: A new folder.
        detector: The detector's directory.
        noise: How far its scores are from those of a detector that is always right.

    Returns:
        The evaluation, and the table of the videos.
    """
    rng = np.random.default_rng(3)
    fake = np.arange(_GROUPS * 2) % 2 == 1
    names = [f"{number}.mp4" for number in range(len(fake))]
    groups = [f"g{number // 2}" for number in range(len(fake))]
    scores = 1 / (1 + np.exp(-(3.0 * (2 * fake - 1) + noise * rng.standard_normal(len(fake)))))
    labels = np.where(fake, "FAKE", "REAL")
    table = pd.DataFrame({"video": names, "group": groups, "actual": labels, "score": scores})
    table["baseline"] = rng.random(len(table))
    folder.mkdir()
    table.to_csv(folder / "predictions.csv", index=False)
    videos = pd.DataFrame({"video": names, "sha256": names, "group": groups, "part": "test"})
    videos.to_csv(folder / "videos.csv", index=False)
    (folder / "model_card.md").write_text("# card\n")
    video = {"auc": 0.9, "ece_low": 0.0}
    evaluation = {"coverage": 1.0, "leaky": False, "error_of_verdicts_high": 0.1, "video": video}
    left = Evaluated(detector, evaluation, folder / "predictions.csv", folder / "model_card.md")
    return left, folder / "videos.csv"


def register(left: Evaluated, videos: Path) -> dict[str, Any]:
    """Register a detector in the current folder as the stage does; return what the stage records.

    The descriptions of the versions are returned too, which the stage does not record.
    """
    params = RegisterParams(model=MODEL, **LIMITS)
    with disable_run_logger():
        record = register_detector.fn(
            *(left.detector.name, left, videos, params, EvaluateParams(bootstrap=200, seed=1)),
            lambda detector, ids: pd.Series(dtype=float),  # both were scored on all videos
        )
    record |= leaders(params, Path("models/champion"))
    with open_registry(MODEL) as registry:
        return {**record, "described": [version.description for version in registry.versions()]}


def _log(left: Evaluated, videos: Path) -> str:
    """Log a detector as a model, which takes seconds, and return its address."""
    files = {
        **{DETECTOR: left.detector, PREDICTIONS: left.predictions},
        **{VIDEOS: videos, CARD: left.card},
    }
    with mlflow.start_run(run_id=run_of(connect(), left.detector)):
        return log_served_model(files, load_card(left.detector).crop)


def _in_child(folder: Path, work: Callable[[], Any]) -> Any:
    """Do work in a child process in a folder; return its result, or None if it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        os.write(writing, json.dumps(work()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    assert status == 0
    return json.loads(said)


def _killed_at(number: int, work: Callable[[], Any]) -> Callable[[], Any]:
    """Return work that kills its process right after its write with this number, from 1."""
    done = 0

    def counted(write: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(write)
        def after(*arguments: Any, **named: Any) -> Any:
            nonlocal done
            result = write(*arguments, **named)
            done += 1
            if done == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return after

    def killed() -> Any:
        for name in WRITES:
            setattr(MlflowClient, name, counted(getattr(MlflowClient, name)))
        return work()

    return killed


def main(folder: Path) -> None:
    """Print, as JSON, the record of an undisturbed registration, and of one after each kill."""
    MlflowClient(f"sqlite:///{folder}/unused.db").search_registered_models()  # imports it all once
    old, new = (write_detector(folder / name, candidate=name) for name in ("old", "new"))
    worse, better = evaluated(folder / "left1", old, 6.0), evaluated(folder / "left2", new, 1.0)
    begun = folder / "begun"
    begun.mkdir()
    _in_child(begun, lambda: register(*worse))
    address = _in_child(begun, lambda: _log(*better))
    model_version.log_served_model = lambda files, crop: address  # once for all registrations
    registration._latency_ms = lambda detector: 1.0  # a figure that differs from run to run
    records = []
    for number in range(100):
        at = folder / f"at{number}"
        shutil.copytree(begun, at)
        ended = _in_child(at, _killed_at(number, lambda: register(*better)))
        records.append(_in_child(at, lambda: register(*better)))
        if ended is not None and number:  # there are fewer writes than that
            break
    print(json.dumps(records))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
