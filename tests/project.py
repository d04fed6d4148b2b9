"""A copy of the project in which stages run as a user runs them."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.commands import dfd
from tests.data import ROOT, SAMPLE, write_video

CODE = ("dfd", "tasks", "flows", "dvc.yaml", "params.yaml", "pyproject.toml", ".dvc", ".dvcignore")
PAIRS = 6


class Project:
    """A copy of the project in a folder of its own."""

    def __init__(self, folder: Path, api: str) -> None:
        """Remember where it is and which Prefect server its flows use."""
        self.folder = folder
        self.api = api

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ``python -m`` with ``command`` in the project and return what came of it."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": path,
                "PYTHONPATH": str(self.folder),
                "PREFECT_API_URL": self.api,
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def command(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ``dfd`` with arguments in the project, in this process; see ``dfd`` for what differs.

        The code that runs is this checkout's, not the copy's.
        """
        given = {"PYTHONPATH": str(self.folder), "PREFECT_API_URL": self.api, **environment}
        return dfd(self.folder, *arguments, **given)

    def recorded(self, what: str, **filters: Any) -> list[dict[str, Any]]:
        """Return what Prefect's server has, such as ``flow_runs``, of this and all other tests."""
        request = urllib.request.Request(
            f"{self.api}/{what}/filter",
            json.dumps(filters).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def change_params(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Apply ``change`` to the content of ``params.yaml``."""
        path = self.folder / "params.yaml"
        content = yaml.safe_load(path.read_text())
        change(content)
        path.write_text(yaml.safe_dump(content, sort_keys=False))


def copy_project(folder: Path, api: str) -> Project:
    """Copy the project's code and settings into ``folder``, as a git repository."""
    for name in CODE:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            skipped = shutil.ignore_patterns("__pycache__", "cache", "tmp", "config.local")
            shutil.copytree(source, target, ignore=skipped)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    (folder / ".gitignore").write_text((ROOT / ".gitignore").read_text())
    commit(folder)
    return Project(folder, api)


def commit(folder: Path) -> None:
    """Commit everything in ``folder``, which becomes a repository if it is none."""
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
    subprocess.run(["git", *identity, "commit", "--quiet", "-m", "x"], cwd=folder, check=True)


def write_clips(folder: Path) -> None:
    """Put a handful of the sample's clips, one without a face and a broken one into ``folder``."""
    labels = json.loads((SAMPLE / "metadata.json").read_text())
    folder.mkdir(parents=True)
    chosen: dict[str, Any] = {}
    donors: set[str] = set()
    for name, entry in labels.items():
        source = entry["original"]
        if entry["label"] == "FAKE" and source not in donors and len(chosen) < 2 * PAIRS:
            chosen |= {source: labels[source], name: {**entry, "donor": None}}
            donors |= {source, entry["donor"]}  # one fake a pair
    for name in chosen:
        shutil.copy(SAMPLE / name, folder / name)
    write_video(folder / "noise.mp4", frames=8, size=(160, 120))
    (folder / "broken.mp4").write_bytes((folder / next(iter(chosen))).read_bytes()[:300])
    chosen |= {"noise.mp4": {"label": "REAL"}, "broken.mp4": {"label": "FAKE"}}
    (folder / "metadata.json").write_text(json.dumps(chosen))
