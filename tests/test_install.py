"""The installer, run as a program in a copy of the project whose locks name one small package."""

import ast
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.data import ROOT
from tests.wheels import Wheelhouse

INSTALLER = ROOT / "requirements" / "install.py"
# Builds the project without setuptools, which an empty environment does not have.
BACKEND = """
import zipfile

def build_editable(folder, *_):
    name = "dfd-0.1.0-py3-none-any.whl"
    info = "dfd-0.1.0.dist-info"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: dfd\\nVersion: 0.1.0\\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "dfd"
version = "0.1.0"
"""


class Clone:
    """A copy of the project in which a layer is installed as a user does it."""

    def __init__(self, folder: Path, programs: Path, wheelhouse: Wheelhouse) -> None:
        self.folder, self.programs = folder, programs
        wheelhouse.add("small", "1.0", {"small.py": "value = 7\n"})
        (wheel,) = wheelhouse.folder.glob("*.whl")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        (folder / "requirements").mkdir(parents=True)
        shutil.copy(INSTALLER, folder / "requirements")
        for layer in ("scan", "workflow", "dev"):
            lock = folder / "requirements" / f"{layer}.lock"
            lock.write_text(f"small==1.0 --hash=sha256:{digest}\n")
        (folder / "pyproject.toml").write_text(PYPROJECT)
        (folder / "backend.py").write_text(BACKEND)

    def command(self, layer: str) -> list[str]:
        return [sys.executable, str(self.folder / "requirements" / "install.py"), layer]

    def environment(self, **changes: str) -> dict[str, str]:
        return {**os.environ, "PATH": f"{self.programs}:/usr/bin:/bin", **changes}

    def install(self, layer: str, *before: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Install a layer, by the end of another command if need be."""
        return subprocess.run(
            [*before, *self.command(layer)],
            env=self.environment(**changes),
            capture_output=True,
            text=True,
            check=False,
        )

    def works(self) -> bool:
        code = "import small; from importlib.metadata import version; print(version('dfd'))"
        python = self.folder / ".venv" / "bin" / "python"
        return subprocess.run([python, "-c", code], check=False, cwd="/").returncode == 0

    def stamps(self) -> set[str]:
        held = {".scan", ".workflow", ".dev", ".unfinished"}
        return held & {path.name for path in (self.folder / ".venv").iterdir()}


BOTH = pytest.mark.parametrize("clone", ["pip", "uv"], indirect=True)


@pytest.fixture
def clone(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    wheelhouse: Wheelhouse,
    monkeypatch: pytest.MonkeyPatch,
) -> Clone:
    """Return a copy of the project, for a machine with uv, or without if a test asks for it."""
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheelhouse.folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    programs = tmp_path / "programs"
    programs.mkdir()
    if getattr(request, "param", "uv") == "uv":
        (programs / "uv").symlink_to(Path(sys.executable).with_name("uv"))
    return Clone(tmp_path / "clone", programs, wheelhouse)


def the_line(ended: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a failed installation prints."""
    assert ended.returncode == 2, ended.stdout + ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith("install: ")
    return line


@BOTH
def test_an_environment_grows_by_layers(clone: Clone) -> None:
    assert clone.install("scan").returncode == 0
    assert clone.works()
    assert clone.stamps() == {".scan"}
    marker = clone.folder / ".venv" / "of the user"
    marker.touch()
    assert clone.install("dev").returncode == 0
    assert clone.stamps() == {".scan", ".workflow", ".dev"}
    assert marker.exists()


@pytest.mark.parametrize("version", [(3, 10, 4), (3, 14, 0)])
def test_another_python_is_named_with_those_that_do(tmp_path: Path, version: tuple) -> None:
    # A copy, because the installer leaves the environment beside it, which may run these tests.
    (tmp_path / "requirements").mkdir()
    installer = shutil.copy(INSTALLER, tmp_path / "requirements")
    code = f"import runpy, sys; sys.version_info = {version}; sys.argv = ['install.py', 'scan'];"
    code += f"runpy.run_path({str(installer)!r}, run_name='__main__')"
    (tmp_path / "python3.12").symlink_to(sys.executable)

    def said(path: str) -> str:
        return the_line(
            subprocess.run(
                [sys.executable, "-c", code],
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
        )

    started = f"install: this is Python 3.{version[1]}, and dfd needs 3.11, 3.12 or 3.13; "
    assert said(str(tmp_path)) == f"{started}run it with PYTHON=python3.12"
    assert said("") == f"{started}install one, and name it: PYTHON=python3.13"


def test_an_old_python_can_read_the_installer() -> None:
    ast.parse(INSTALLER.read_text(encoding="utf-8"), feature_version=(3, 6))


@BOTH
def test_without_an_index_it_says_so_and_loses_nothing(clone: Clone) -> None:
    assert clone.install("scan").returncode == 0
    (clone.folder / "requirements" / "dev.lock").write_text(f"absent==1 --hash=sha256:{'0' * 64}\n")
    nowhere = "http://127.0.0.1:9/simple"
    ended = clone.install("dev", PIP_NO_INDEX="0", UV_NO_INDEX="0", PIP_INDEX_URL=nowhere)
    assert "no answer from the package index; check the network" in the_line(ended)
    assert clone.stamps() == {".scan"}
    assert clone.works()


def test_a_package_that_is_not_the_locked_one_is_refused(clone: Clone) -> None:
    (clone.folder / "requirements" / "scan.lock").write_text(
        f"small==1.0 --hash=sha256:{'0' * 64}\n"
    )
    assert "the packages of the layer scan cannot be installed (" in the_line(clone.install("scan"))
    assert not clone.works()


@BOTH
def test_a_killed_installation_is_mended_by_the_next(clone: Clone) -> None:
    process = subprocess.Popen(
        clone.command("scan"), env=clone.environment(), start_new_session=True
    )
    while not (clone.folder / ".venv" / "bin").exists():
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert ".scan" not in clone.stamps()
    ended = clone.install("scan")
    assert ended.returncode == 0, ended.stderr
    assert ".venv was left unfinished, so it is made anew" in ended.stdout
    assert clone.stamps() == {".scan"}
    assert clone.works()


def test_an_environment_whose_python_is_gone_is_made_anew(clone: Clone) -> None:
    assert clone.install("scan").returncode == 0
    python = clone.folder / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/gone/python3.11")
    assert clone.install("scan").returncode == 0
    assert clone.works()


def test_it_can_be_run_by_the_environment_that_it_makes_anew(clone: Clone) -> None:
    assert clone.install("scan").returncode == 0
    (clone.folder / ".venv" / ".unfinished").touch()
    python = str(clone.folder / ".venv" / "bin" / "python")
    ended = subprocess.run(
        [python, *clone.command("scan")[1:]], env=clone.environment(), check=False
    )
    assert ended.returncode == 0
    assert clone.works()


def mounted(clone: Clone, how: str) -> list[str]:
    """Return a command that runs the rest of its line where a folder is mounted anew, or skip."""
    unshare = ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a folder")
    return [*unshare, "sh", "-c", f'mount {how} && exec "$@"', "sh"]


def test_a_folder_that_cannot_be_written_is_named(clone: Clone) -> None:
    read_only = mounted(clone, f"-o bind,ro '{clone.folder}' '{clone.folder}'")
    line = the_line(clone.install("scan", *read_only))
    assert line == f"install: {clone.folder}: cannot be written; clone into a folder of yours"


def test_too_little_space_is_told_before_anything_is_made(clone: Clone) -> None:
    copy = clone.folder.parent / "copy"
    shutil.copytree(clone.folder, copy)
    small = mounted(
        clone, f"-t tmpfs -o size=2g tmpfs '{clone.folder}' && cp -r '{copy}/.' '{clone.folder}'"
    )
    line = the_line(clone.install("workflow", *small))
    assert "GB free, and the layer workflow needs 6 GB; make room" in line
    assert clone.install("scan", *small).returncode == 0


def test_a_slow_step_is_told_with_its_seconds(clone: Clone) -> None:
    backend = clone.folder / "backend.py"
    backend.write_text(f"import time\ntime.sleep(6)\n{backend.read_text()}")
    ended = clone.install("scan")
    assert ended.returncode == 0
    line = ended.stdout.splitlines()[-1]
    assert line.startswith("install: dfd itself … ")
    assert line.endswith(" s")
