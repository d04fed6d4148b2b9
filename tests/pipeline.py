"""The whole workflow on a handful of clips: it runs once, for all tests that look at it."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.project import Project, copy_project, write_clips
from tests.shared import make_once
from tests.traffic import Newcomer, can_trace


@dataclass(frozen=True)
class Pipeline:
    """A project in which ``dvc repro`` has run, which nobody may change.

    Attributes:
        project: The project.
        newcomer: Who ran it, whose traffic is known; None where no process can be traced.
    """

    project: Project
    newcomer: Newcomer | None

    def copy(self, folder: Path) -> Project:
        """Return a copy of the project and its clips in an empty folder, to change at will.

        Its registry is its own, but the files of versions and runs are the original's.
        """
        for name in ("clips", "project"):
            shutil.copytree(self.project.folder.with_name(name), folder / name)
        return Project(folder / "project", self.project.api)


def finished_pipeline(factory: pytest.TempPathFactory, api: str) -> Pipeline:
    """Return the project in which the first caller of all worker processes runs every stage.

    Args:
        factory: Pytest's fixture.
        api: Address of the Prefect server.
    """
    folder = make_once(factory, "pipeline", lambda folder: _run(folder, api))
    newcomer = Newcomer(folder / "newcomer") if can_trace() else None
    return Pipeline(Project(folder / "project", api), newcomer)


def _run(folder: Path, api: str) -> None:
    write_clips(folder / "clips")
    project = copy_project(folder / "project", api)
    project.change_params(ask_for_little)
    if can_trace():
        newcomer = Newcomer(folder / "newcomer")
        # The first stage starts a Prefect server of its own, which the others are spared.
        newcomer.run(project.folder, "-m", "dvc", "repro", "dataset")
        newcomer.run(project.folder, "-m", "dvc", "repro", PREFECT_API_URL=api)
    else:
        _finish(project, "dvc", "repro")
    # No gate promotes on so few groups. The first version is made to lead, and recorded to.
    _finish(project, "flows.commands", "registry", "promote", "1")
    _finish(project, "dvc", "repro", "--single-item", "--force", "register")


def _finish(project: Project, *command: str) -> None:
    ended = project.run(*command)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def ask_for_little(params: dict[str, Any]) -> None:
    """Ask for little, so that the stages are quick."""
    params["dataset"] |= {"videos": "../clips", "layout": "dfdc", "name": "handful"}
    params["split"]["fractions"] = {"train": 0.4, "validation": 0.3, "test": 0.3}
    params["faces"] |= {"frames_per_video": 4, "shards": 3}
    params["evaluate"]["bootstrap"] = 100
    params["register"]["min_coverage"] = 0.0
    small = {"backbone": "mesonet", "weights": "none", "learning_rate": 0.01, "patience": 9}
    params["candidates"] = {
        "small": {**small, "epochs": 2},
        "smaller": {**small, "epochs": 1, "seed": 3},
    }
    params["robustness"]["candidates"] = ["small"]
