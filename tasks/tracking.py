"""Everything that is logged to a run in MLflow, and the runs themselves.

A run belongs to a detector by its tag ``detector``, which is the detector's hash. A detector
carries its own training history, so a detector that was trained elsewhere and restored by DVC gets
a run that is made from that history. Without ``MLFLOW_TRACKING_URI``, ``mlruns/mlflow.db`` holds
the records and ``mlruns/artifacts`` the files. Versions of the registered model and their aliases
are the business of ``tasks.registry``.
"""

import logging
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pandas as pd
from filelock import FileLock

from dfd.detector.card import CARD, HISTORY, DetectorCard, load_card
from dfd.errors import TrackingError
from dfd.files import hash_json, project_root, replacing, sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

T = TypeVar("T")

EXPERIMENT = "deepfake-detection"
_PATIENCE_S = 100.0
_LOCKED = "database is locked"  # in the message of SQLite
_logger = logging.getLogger("dfd")


def connect(patience_s: float = _PATIENCE_S) -> "MlflowClient":
    """Return a client of the store in ``MLFLOW_TRACKING_URI``, else of the project's own store.

    Args:
        patience_s: Seconds for which a call is repeated while another program locks the store.

    Returns:
        A client whose methods raise a ``TrackingError`` where the store fails.

    Raises:
        TrackingError: The folder of the project's own store cannot be written.
    """
    os.environ.setdefault("MLFLOW_TRACKING_URI", _store())
    from mlflow import MlflowClient

    if not os.environ.get("DFD_DEBUG"):
        # It logs each error that it raises with a traceback; what is raised becomes one line.
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    try:
        _artifacts().mkdir(parents=True, exist_ok=True)
        if not has_store():
            _make_store()
    except OSError as error:
        folder = _relative(_database().parent)
        raise TrackingError(
            f"{folder}: cannot be written ({error.strerror}); make room or give rights, then run "
            "again"
        ) from error
    return cast("MlflowClient", _PatientClient(_patiently(MlflowClient, patience_s), patience_s))


def _make_store() -> None:
    """Make the project's own store whole or not at all.

    MLflow makes its tables in many steps, and cannot go on where a kill has left them.
    """
    from mlflow import MlflowClient

    path = _database()
    with FileLock(path.with_name("store.lock")):
        if path.exists():
            return
        sweep(path)
        with store_failures(), replacing(path) as temporary:
            MlflowClient(f"sqlite:///{temporary}").search_registered_models()


class _PatientClient:
    """MLflow's client, whose calls wait while the store is locked and fail with one line."""

    def __init__(self, client: "MlflowClient", patience_s: float) -> None:
        self._client, self._patience_s = client, patience_s

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return partial(self._call, found) if callable(found) else found

    def _call(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return _patiently(partial(method, *arguments, **named), self._patience_s)


def _patiently(call: Callable[[], T], patience_s: float) -> T:
    end = time.monotonic() + patience_s
    while True:
        try:
            with store_failures():
                return call()
        except TrackingError as error:
            if _LOCKED not in str(error.__cause__) or time.monotonic() >= end:
                raise  # SQLite itself has waited for seconds before each try


@contextmanager
def store_failures() -> Iterator[None]:
    """Raise a ``TrackingError`` where MLflow, its database or a file that MLflow copies fails."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        raise _store_error(error) from error
    except OSError as error:
        if error.filename is None:  # of a file that MLflow copies
            raise _store_error(error) from error
        raise


def _store_error(error: Exception) -> TrackingError:
    """Return the error that tells in one line how MLflow's store has failed.

    Args:
        error: What MLflow, its database or the system has raised.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI", _store())
    store = _relative(_database()) if uri == _store() else f"MLFLOW_TRACKING_URI: {uri}"
    database = re.search(r"\(\w+\.\w+Error\) (.*)", str(error))  # what SQLAlchemy quotes
    reason = database[1] if database else str(error).partition("\n")[0][:160]
    return TrackingError(
        f"{store}: MLflow's store fails ({reason}); make room, give rights, end the program that "
        "locks it, or restore it if it is damaged, then run again: what is trained is kept"
    )


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def has_store() -> bool:
    """Return whether there is a store to connect to; the project's own one is made by a stage."""
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
    """Start a run for one candidate and return its id.

    Args:
        client: Client from ``connect``.
        candidate: Name of the candidate.
        params: Training parameters to log.
        leaky: Whether the split is leaky, so that the run is tagged before it has any figure.
    """
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment:
        experiment_id = experiment.experiment_id
    else:
        location = _artifacts().as_uri() if client.tracking_uri == _store() else None
        experiment_id = client.create_experiment(EXPERIMENT, artifact_location=location)
    tags = {"candidate": candidate, "git_commit": git_commit(), "leaky": str(leaky).lower()}
    name = os.environ.get("DVC_EXP_NAME", candidate)  # DVC names each experiment of a sweep
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
    """Return the id of the interrupted run with this key, or start a new run.

    Args:
        client: Client from ``connect``.
        candidate: Name of the candidate.
        params: Training parameters to log.
        setup: Precision, devices and the like; logged as tags.
        key: Hash of everything that determines the training.
        leaky: Whether the split is leaky.
    """
    experiment = client.get_experiment_by_name(EXPERIMENT)
    unfinished = f"tags.run_key = '{key}' AND attributes.status != 'FINISHED'"
    runs = client.search_runs([experiment.experiment_id], unfinished) if experiment else []
    if runs:
        run_id = str(runs[0].info.run_id)
        client.update_run(run_id, status="RUNNING")
    else:
        run_id = start_run(client, candidate, params, leaky=leaky)
        client.set_tag(run_id, "run_key", key)
    for name, value in setup.items():
        client.set_tag(run_id, f"setup.{name}", value)
    return run_id


@contextmanager
def failing(run_id: str) -> Iterator[None]:
    """Mark the run as failed when an exception ends the context."""
    try:
        yield
    except BaseException:
        with suppress(TrackingError):  # the exception tells what is wrong
            connect(patience_s=0).set_terminated(run_id, "FAILED")
        raise


def finish_run(run_id: str) -> None:
    """Mark a run as finished; ``continue_run`` does not continue it any more."""
    connect().set_terminated(run_id)


class EpochLog:
    """Logs the epochs of a run; those that the store refuses are kept, and tried again later."""

    def __init__(self, run_id: str) -> None:
        """Find the epochs that are logged already.

        Args:
            run_id: The run.
        """
        logged = connect().get_metric_history(run_id, "loss")
        self._run_id = run_id
        self._logged = {metric.step for metric in logged}
        self._waiting: dict[int, Mapping[str, Any]] = {}

    def add(self, epoch: Mapping[str, Any], step: int) -> bool:
        """Log an epoch, and those that wait; return whether it is new to the run.

        Args:
            epoch: The figures of the epoch.
            step: Its number.
        """
        if step in self._logged:
            return False
        self._waiting[step] = epoch
        try:
            self._log(connect(patience_s=0))
        except TrackingError as error:
            _logger.warning("epoch %s is to be logged later: %s", step, error.line)
        return True

    def finish(self) -> None:
        """Log the epochs that wait.

        Raises:
            TrackingError: The store still refuses them.
        """
        self._log(connect())

    def _log(self, client: "MlflowClient") -> None:
        for step in sorted(self._waiting):
            log_epoch(client, self._run_id, self._waiting[step], step)
            self._logged.add(step)
            del self._waiting[step]


def log_epoch(client: "MlflowClient", run_id: str, epoch: Mapping[str, Any], step: int) -> None:
    """Log the numbers of one training epoch."""
    from mlflow.entities import Metric

    now = int(1000 * time.time())
    numbers = [
        Metric(key, float(value), now, step)
        for key, value in epoch.items()
        if key != "epoch" and isinstance(value, int | float)
    ]
    client.log_batch(run_id, metrics=numbers)


def log_first_batch(client: "MlflowClient", run_id: str, figure: "Figure") -> None:
    """Log the picture of the first training batch."""
    client.log_figure(run_id, figure, "batch.png")


def log_detector(client: "MlflowClient", run_id: str, detector: Path, figure: "Figure") -> None:
    """Log a detector that a run has trained: its card, its figures and its training curves."""
    _tie(client, run_id, detector)
    client.log_figure(run_id, figure, "training.png")
    client.log_artifact(run_id, str(detector / CARD))


def log_evaluation(
    detector: Path,
    files: Iterable[Path],
    levels: Mapping[str, Mapping[str, float | None]],
    summary: Mapping[str, float | None],
) -> None:
    """Log the evaluation of a detector to the detector's run.

    Args:
        detector: Detector directory.
        files: Tables, pictures and reports to keep.
        levels: Metrics on the test part by level (``video``, ``frame``) and by baseline.
        summary: Other figures of the test part by name, such as ``coverage``.
    """
    client = connect()
    run_id = run_of(client, detector)
    _log_files(client, run_id, files, "evaluation")
    for level, metrics in levels.items():
        _log_metrics(client, run_id, f"test_{level}", metrics)
    _log_metrics(client, run_id, "test", summary)


def log_robustness(
    detector: Path, files: Iterable[Path], aucs: Mapping[str, Mapping[str, float]]
) -> None:
    """Log how robust a detector is to the detector's run.

    Args:
        detector: Detector directory.
        files: Table, picture and record to keep.
        aucs: Video AUC by perturbation and level.
    """
    client = connect()
    run_id = run_of(client, detector)
    _log_files(client, run_id, files, "robustness")
    for perturbation, by_level in aucs.items():
        _log_metrics(client, run_id, f"robustness_{perturbation}", by_level)


def log_ruling(client: "MlflowClient", run_id: str, reasons: Sequence[Mapping[str, Any]]) -> None:
    """Log the reasons of the gate's ruling, a row each, as ``registration/ruling.json``, once."""
    logged = {file.path for file in client.list_artifacts(run_id, "registration")}
    if reasons and "registration/ruling.json" not in logged:
        table = pd.DataFrame(list(reasons)).astype(str)
        client.log_table(run_id, table, "registration/ruling.json")


def log_cross_evaluation(
    client: "MlflowClient",
    run_id: str,
    dataset: str,
    figures: Mapping[str, float | None],
    row: Mapping[str, Any],
) -> None:
    """Log the evaluation of a registered detector on another data set.

    Args:
        client: Client from ``connect``.
        run_id: Run of the detector.
        dataset: Name of the data set, part of the metrics' names.
        figures: Metrics to log, by name.
        row: Row to add to the table ``registration/cross.json``.
    """
    _log_metrics(client, run_id, f"cross_{dataset}".replace(" ", "_"), figures)
    client.log_table(run_id, pd.DataFrame([row]).astype(str), "registration/cross.json")


def run_of(client: "MlflowClient", detector: Path) -> str:
    """Return the id of a detector's newest run, made from the detector's history if need be."""
    card = load_card(detector)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment:
        runs = client.search_runs(
            [experiment.experiment_id],
            f"tags.detector = '{card.sha256}'",
            order_by=["attributes.start_time DESC"],
            max_results=1,
        )
        if runs:
            return str(runs[0].info.run_id)
    run_id = start_run(client, card.candidate, card.params, leaky=card.leaky)
    with failing(run_id):
        for epoch in pd.read_csv(detector / HISTORY).to_dict("records"):
            log_epoch(client, run_id, {str(k): v for k, v in epoch.items()}, int(epoch["epoch"]))
        _tie(client, run_id, detector)
    client.set_terminated(run_id)
    return run_id


def provenance(card: DetectorCard) -> dict[str, str]:
    """Return the tags by which a run and a model version tell where a detector comes from."""
    return {
        "detector": card.sha256,
        "data_hash": card.train_sha256,
        "split_hash": card.split_sha256,
        "params_hash": hash_json(card.model_dump(mode="json", include={"params", "crop"})),
        "leaky": str(card.leaky).lower(),
    }


def git_commit() -> str:
    """Return the commit of the working tree, ``-dirty`` where it has changes, or ``unknown``."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):  # no git, or no repository
        return "unknown"
    return described.stdout.strip()


def _tie(client: "MlflowClient", run_id: str, detector: Path) -> None:
    """Tag a run with its detector's origin, and log the figures of the epoch that was kept."""
    card = load_card(detector)
    for key, value in provenance(card).items():
        client.set_tag(run_id, key, value)
    for level, metrics in card.validation.items():
        _log_metrics(client, run_id, f"validation_{level}", metrics)


def _log_metrics(
    client: "MlflowClient", run_id: str, prefix: str, metrics: Mapping[str, float | None]
) -> None:
    """Log metrics as ``<prefix>_<name>``, without those that could not be measured (None)."""
    for name, value in metrics.items():
        if value is not None:
            client.log_metric(run_id, f"{prefix}_{name}", float(value))


def _log_files(client: "MlflowClient", run_id: str, files: Iterable[Path], folder: str) -> None:
    for file in files:
        client.log_artifact(run_id, str(file), folder)
