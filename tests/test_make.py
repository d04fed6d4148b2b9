"""Targets of the Makefile, in a folder with an environment that is already there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data import ROOT, SAMPLE
from tests.detectors import write_detector

LAYERS = ("scan", "workflow", "dev")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder with the Makefile and an environment whose ``dfd`` is that of the tests."""
    (tmp_path / "requirements").mkdir()
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "requirements" / "install.py", tmp_path / "requirements")
    (tmp_path / "pyproject.toml").touch()
    for layer in LAYERS:
        (tmp_path / "requirements" / f"{layer}.lock").touch()
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "videos").symlink_to(SAMPLE)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    write_program(programs / "dfd", f'PYTHONPATH={ROOT} {sys.executable} -m flows.commands "$@"')
    write_program(programs / "python", 'echo "python $@"')
    for layer in LAYERS:
        (tmp_path / ".venv" / f".{layer}").touch()
    return tmp_path


def write_program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def make(folder: Path, target: str, **changes: str) -> subprocess.CompletedProcess[str]:
    outside = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(
        ["make", target],
        cwd=folder,
        env={**outside, **changes},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_try_without_a_detector_says_what_trains_one(clone: Path) -> None:
    ended = make(clone, "try")
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "this clone holds no detector yet; `make demo` trains one" in line


@pytest.mark.parametrize("detector", ["models/champion", "dfd/starter"])
def test_a_try_ends_by_naming_the_page(clone: Path, detector: str) -> None:
    write_detector(clone / detector)
    ended = make(clone, "try")
    assert ended.returncode == 0, ended.stderr
    name, path = ended.stderr.splitlines()[-1].split()
    assert name == "report:"
    assert "samples/videos" in ended.stdout
    assert (clone / path).read_text().startswith("<!doctype html>")


def test_a_machine_without_a_browser_is_told_and_the_tests_run(clone: Path, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "make"):
        (programs / name).symlink_to(shutil.which(name) or name)
    without = make(clone, "test", PATH=str(programs))
    assert without.returncode == 0, without.stderr
    assert "no Chromium here: the tests of the page are skipped" in without.stdout
    assert "python -m pytest" in without.stdout.splitlines()[-1]
    write_program(programs / "chromium", "")
    assert "no Chromium" not in make(clone, "test", PATH=str(programs)).stdout
