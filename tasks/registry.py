"""The model registry: versions of the registered model, their files, their tags and aliases.

A version is a detector. Its files lie with the model that MLflow logged: the detector directory,
``predictions.csv`` (calibrated scores of the detector's test videos), ``videos.csv`` (content hash,
group and part of every video of the detector's data set) and ``model_card.md``. One process at a
time moves the alias ``champion``, and every move is written on the version that the alias goes to.
Tags and aliases of versions are set here alone; what is logged to runs stands in
``tasks.tracking``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from filelock import FileLock, Timeout

from dfd.detector.card import load_card
from dfd.errors import RegistryError
from dfd.files import project_root
from tasks.tracking import connect, has_store, store_failures

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, CHALLENGER = "champion", "challenger"
DETECTOR, PREDICTIONS, VIDEOS, CARD = "detector", "predictions", "videos", "model_card"
OVER, MOVED = "promoted_over", "alias_moved"
DECISION, RULING = "decision", "ruling"  # before and after the aliases follow the gate's ruling
TEST_PART = "test_part"  # hash of the contents of the test videos
_PATIENCE_S = 600.0  # another process may score videos for minutes while it holds the registry


@dataclass(frozen=True)
class Registry:
    """One registered model."""

    client: "MlflowClient"
    model: str

    def version(self, reference: str) -> "ModelVersion":
        """Return a version by number or alias.

        Raises:
            RegistryError: There is no such version.
        """
        versions = {str(version.version): version for version in self.versions()}
        number = str(self.aliases().get(reference, reference))
        if number not in versions:
            known = ", ".join([*sorted(versions, key=int), *self.aliases()]) or "none"
            raise RegistryError(f"{self.model}: no version {reference!r}; there are {known}")
        return versions[number]

    def versions(self) -> list["ModelVersion"]:
        """Return all versions, the newest first."""
        versions = self.client.search_model_versions(f"name = '{self.model}'")
        return sorted(versions, key=lambda version: -int(version.version))

    def aliases(self) -> dict[str, int]:
        """Return the number of the version that each alias stands for."""
        models = self.client.search_registered_models(f"name = '{self.model}'")
        return {alias: int(number) for model in models for alias, number in model.aliases.items()}

    def champion(self) -> "ModelVersion | None":
        """Return the champion, or None where no version leads."""
        return self.version(CHAMPION) if CHAMPION in self.aliases() else None

    def detector(self, version: "ModelVersion") -> Path:
        """Return a local copy of a version's detector directory.

        Raises:
            RegistryError: It is gone, or it is not the detector that was registered.
            DetectorError: Its card cannot be read.
        """
        directory = self.file(version, DETECTOR)
        if load_card(directory).sha256 != version.tags.get("detector"):
            raise RegistryError(
                f"{directory}: not the detector that was registered as {self.model} version "
                f"{version.version}; restore mlruns/, or promote another version: dfd registry "
                "promote VERSION"
            )
        return directory

    def file(self, version: "ModelVersion", name: str) -> Path:
        """Return a local copy of one of a version's files.

        Args:
            version: The version.
            name: ``DETECTOR``, ``PREDICTIONS``, ``VIDEOS`` or ``CARD``.

        Raises:
            RegistryError: The file is gone.
        """
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException
        from mlflow.models import Model

        try:
            root = Path(download_artifacts(f"models:/{self.model}/{version.version}"))
            logged = Model.load(str(root)).flavors["python_function"]["artifacts"]
            path: Path = root / logged[name]["path"]
            if not path.exists():
                raise FileNotFoundError(path)
        except (MlflowException, OSError, KeyError) as error:
            raise RegistryError(
                f"{self.model} version {version.version}: its {name} is gone; restore mlruns/, or "
                "promote a version that has its files: dfd registry promote VERSION"
            ) from error
        return path

    def table(self, version: "ModelVersion", name: str) -> pd.DataFrame:
        """Return one of a version's tables.

        Args:
            version: The version.
            name: ``PREDICTIONS`` or ``VIDEOS``.

        Raises:
            RegistryError: The file is gone or damaged.
        """
        path = self.file(version, name)
        try:
            return pd.read_csv(path)
        except (OSError, ValueError) as error:
            raise RegistryError(
                f"{self.model} version {version.version}: its {name} is damaged ({error}); "
                "restore mlruns/"
            ) from error

    def lead(self, version: "ModelVersion", why: str) -> None:
        """Make a version the champion, and the former champion the challenger.

        Args:
            version: The version to promote.
            why: Reason to write on the version.

        Raises:
            RegistryError: The version is the champion already.
        """
        before = self.champion()
        if before is not None and before.version == version.version:
            raise RegistryError(f"{self.model} version {version.version} is the champion already")
        self._note(version, OVER, str(before.version) if before else "")
        self._note(version, MOVED, f"{_now()} {why}")
        # The champion's alias moves last: whoever is killed before that can do all of it again.
        if before is not None:
            self.challenge(before)
        elif self.aliases().get(CHALLENGER) == int(version.version):
            self.client.delete_registered_model_alias(self.model, CHALLENGER)
        self.client.set_registered_model_alias(self.model, CHAMPION, version.version)

    def challenge(self, version: "ModelVersion") -> None:
        """Make a version the challenger."""
        self.client.set_registered_model_alias(self.model, CHALLENGER, version.version)

    def rulings_before(self, version: "ModelVersion") -> int:
        """Return how often the gate has ruled on other versions by a version's test part."""
        part = version.tags.get(TEST_PART)
        return sum(
            other.tags.get(TEST_PART) == part and {DECISION, RULING} & other.tags.keys() != set()
            for other in self.versions()
            if other.version != version.version
        )

    def describe(self, version: "ModelVersion", text: str) -> None:
        """Write a version's description, in Markdown."""
        self.client.update_model_version(self.model, version.version, description=text)

    def note_decision(self, version: "ModelVersion", decision: str) -> None:
        """Write on a version what the gate has decided about it, before anything follows it."""
        self._note(version, DECISION, decision)

    def note_ruling(self, version: "ModelVersion", line: str) -> None:
        """Write on a version the gate's decision in a line, once the aliases have followed it."""
        self._note(version, RULING, line)

    def former(self) -> "ModelVersion":
        """Return the version that the champion took the lead from.

        Raises:
            RegistryError: There is no champion, or it took the lead from none.
        """
        now = self.version(CHAMPION)
        before = now.tags.get(OVER)
        if not before:
            raise RegistryError(
                f"{self.model} version {now.version}: took over from no other; name the version to "
                "lead: dfd registry promote VERSION"
            )
        return self.version(before)

    def roll_back(self) -> None:
        """Make the ``former`` champion lead again; the champion becomes the challenger."""
        former, now = self.former(), self.version(CHAMPION)
        self._note(now, MOVED, f"{_now()} rolled back to version {former.version}")
        self.challenge(now)
        self.client.set_registered_model_alias(self.model, CHAMPION, former.version)

    def _note(self, version: "ModelVersion", key: str, value: str) -> None:
        self.client.set_model_version_tag(self.model, version.version, key, value)


@contextmanager
def locked_registry(model: str, patience_s: float = _PATIENCE_S) -> Iterator[Registry]:
    """Open the registry for this process alone, so that nobody else changes it meanwhile.

    Args:
        model: Name of the registered model.
        patience_s: Seconds to wait for another process.

    Raises:
        RegistryError: Another process holds the registry for too long.
        TrackingError: It cannot be reached.
    """
    path = project_root() / "mlruns" / "registry.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=patience_s), open_registry(model) as registry:
            yield registry
    except Timeout as error:
        raise RegistryError(
            f"{path}: another process has held the registry for {patience_s:.0f} s; wait for it to "
            "end, or end it"
        ) from error


@contextmanager
def open_registry(model: str, make: bool = True) -> Iterator[Registry]:
    """Open the registry for as long as the context lasts.

    Args:
        model: Name of the registered model.
        make: Whether to make a registry and the model in it where there is none.

    Raises:
        RegistryError: There is no registry.
        TrackingError: It cannot be reached, now or later in the context.
    """
    if not (make or has_store()):
        raise RegistryError(
            "mlruns/mlflow.db: there is no registry in this folder; run `dvc repro`, or set "
            "MLFLOW_TRACKING_URI to one"
        )
    with store_failures():
        client = connect()
        if make and not client.search_registered_models(f"name = '{model}'"):
            client.create_registered_model(model)
        yield Registry(client, model)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
