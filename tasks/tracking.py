"""Runs in MLflow: ``mlruns/mlflow.db`` holds the records, ``mlruns/artifacts`` the files.

A run belongs to a detector by the tag ``detector``, its hash. A detector carries its own history,
so the run of one that was trained elsewhere (restored by DVC, say) is made again from it.
"""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from dfd.detector.card import HISTORY, DetectorCard, load_card
from dfd.files import hash_json, project_root

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "deepfake-detection"


def connect() -> "MlflowClient":
    """Return a client of ``MLFLOW_TRACKING_URI``, or of the project's own store."""
    os.environ.setdefault("MLFLOW_TRACKING_URI", _store())
    from mlflow import MlflowClient

    _artifacts().mkdir(parents=True, exist_ok=True)
    return MlflowClient()


def has_store() -> bool:
    """Return whether there is something to connect to; the project's own store may not be yet."""
    return os.environ.get("MLFLOW_TRACKING_URI", _store()) != _store() or _database().exists()


def _store() -> str:
    return f"sqlite:///{_database()}"


def _database() -> Path:
    return project_root() / "mlruns" / "mlflow.db"


def _artifacts() -> Path:
    return project_root() / "mlruns" / "artifacts"


def start_run(
    client: "MlflowClient", candidate: str, params: Mapping[str, Any], *, leaky: bool
) -> str:
    """Start a run of one candidate, marked from the start where its split leaks; return its id."""
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment:
        experiment_id = experiment.experiment_id
    else:
        location = _artifacts().as_uri() if client.tracking_uri == _store() else None
        experiment_id = client.create_experiment(EXPERIMENT, artifact_location=location)
    tags = {"candidate": candidate, "git_commit": git_commit(), "leaky": str(leaky).lower()}
    name = os.environ.get("DVC_EXP_NAME", candidate)  # experiments of a sweep go by theirs
    run_id: str = client.create_run(experiment_id, run_name=name, tags=tags).info.run_id
    for key, value in params.items():
        client.log_param(run_id, key, value)
    return run_id


def continue_run(
    client: "MlflowClient",
    candidate: str,
    params: Mapping[str, Any],
    setup: Mapping[str, Any],
    key: str,
    *,
    leaky: bool,
) -> str:
    """Return the id of the run that was broken off under this key, or of a new one.

    Args:
        client: As from ``connect``.
        candidate: Name of the candidate.
        params: Its parameters.
        setup: How the machine is used.
        key: What the run follows from.
        leaky: Whether its split leaks.
    """
    experiment = client.get_experiment_by_name(EXPERIMENT)
    wanted = f"tags.run_key = '{key}' AND attributes.status != 'FINISHED'"
    found = client.search_runs([experiment.experiment_id], wanted) if experiment else []
    if found:
        run_id = str(found[0].info.run_id)
        client.update_run(run_id, status="RUNNING")
    else:
        run_id = start_run(client, candidate, params, leaky=leaky)
        client.set_tag(run_id, "run_key", key)
    for name, value in setup.items():
        client.set_tag(run_id, f"setup.{name}", value)
    return run_id


def logged_epochs(client: "MlflowClient", run_id: str) -> set[int]:
    """Return the epochs whose figures a run already has."""
    return {metric.step for metric in client.get_metric_history(run_id, "loss")}


@contextmanager
def running(client: "MlflowClient", run_id: str) -> Iterator[None]:
    """Mark the run as finished at the end, or as failed when an exception passes."""
    try:
        yield
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)


def tie_detector(client: "MlflowClient", run_id: str, detector: Path) -> None:
    """Tie a run to its detector: its origin, and its figures at the epoch that was kept."""
    card = load_card(detector)
    for key, value in provenance(card).items():
        client.set_tag(run_id, key, value)
    for level, figures in card.validation.items():
        log_figures(client, run_id, f"validation_{level}", figures)
    client.log_metric(run_id, "threshold", card.decision.threshold)


def provenance(card: DetectorCard) -> dict[str, str]:
    """Return what a run and a model version say of a detector's origin."""
    return {
        "detector": card.sha256,
        "data_hash": card.train_sha256,
        "split_hash": card.split_sha256,
        "params_hash": hash_json(card.model_dump(mode="json", include={"params", "crop"})),
        "leaky": str(card.leaky).lower(),
    }


def log_figures(
    client: "MlflowClient", run_id: str, prefix: str, figures: Mapping[str, float | None]
) -> None:
    """Log figures as ``<prefix>_<name>``; one that is None could not be measured."""
    for key, value in figures.items():
        if value is not None:
            client.log_metric(run_id, f"{prefix}_{key}", float(value))


def log_epoch(client: "MlflowClient", run_id: str, epoch: Mapping[str, Any], step: int) -> None:
    """Log the numbers of one epoch."""
    from mlflow.entities import Metric

    now = int(1000 * time.time())
    numbers = [
        Metric(key, float(value), now, step)
        for key, value in epoch.items()
        if key != "epoch" and isinstance(value, int | float)
    ]
    client.log_batch(run_id, metrics=numbers)


def run_of(client: "MlflowClient", detector: Path) -> str:
    """Return the id of the newest run of a detector, made from what it carries if there is none."""
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment:
        found = client.search_runs(
            [experiment.experiment_id],
            f"tags.detector = '{load_card(detector).sha256}'",
            order_by=["attributes.start_time DESC"],
            max_results=1,
        )
        if found:
            return str(found[0].info.run_id)
    card = load_card(detector)
    run_id = start_run(client, card.candidate, card.params, leaky=card.leaky)
    with running(client, run_id):
        for epoch in pd.read_csv(detector / HISTORY).to_dict("records"):
            log_epoch(client, run_id, {str(k): v for k, v in epoch.items()}, int(epoch["epoch"]))
        tie_detector(client, run_id, detector)
    return run_id


def git_commit() -> str:
    """Return the commit of the working tree, ``-dirty`` where it has changes, or ``unknown``."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):  # no git here: said, not hidden
        return "unknown"
    return described.stdout.strip()
