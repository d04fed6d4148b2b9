"""A small project whose stages run one at a time, undisturbed or under a fault."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

from dfd.files import hash_file
from tests.pipeline import ask_for_little
from tests.project import Project, copy_project, write_clips

BEGINS = "Beginning flow run"
_END_S = 600.0  # for a stage of the small project, whatever happens to it
_LEFT_S = 30.0  # for the children of a killed stage to end
_LATENCY = re.compile(r"ms per crop [\d.]+")  # differs from run to run
_ALWAYS = (".cache", ".prefect")


@dataclass(frozen=True)
class Stage:
    """A stage of the small project.

    Attributes:
        name: Its name in ``dvc.yaml``, with its candidate.
        writes: Folders that it writes.
        anew: What is removed beside its outputs, so that it has all of its work to do.
    """

    name: str
    writes: tuple[str, ...]
    anew: tuple[str, ...] = ()

    @property
    def command(self) -> tuple[str, ...]:
        """Module and arguments of the program."""
        stage, _, candidate = self.name.partition("@")
        return (f"flows.{stage}", *([candidate] if candidate else []))


STAGES = {
    stage.name.partition("@")[0]: stage
    for stage in (
        Stage("dataset", ("data", *_ALWAYS)),
        Stage("split", ("data", "metrics", *_ALWAYS)),
        Stage("faces", ("data", *_ALWAYS)),
        Stage(
            "train@small",
            ("data", "models", "metrics", "plots", "mlruns", *_ALWAYS),
            ("data/packed",),
        ),
        Stage("evaluate@small", ("metrics", "plots", "mlruns", *_ALWAYS)),
        Stage("robustness@small", ("metrics", "plots", "mlruns", *_ALWAYS)),
        Stage("register", ("metrics", "models", "mlruns", *_ALWAYS), ("mlruns", "models/champion")),
    )
}


@dataclass(frozen=True)
class Run:
    """A stage's process, started; ``output`` is what it has said on both of its outputs."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def output(self) -> str:
        """What the process has said so far."""
        return self.log.read_text(errors="replace")

    def await_begin(self) -> None:
        """Wait until the flow of the stage begins, or the process ends."""
        while BEGINS not in self.output and self.process.poll() is None:
            time.sleep(0.05)

    def server(self) -> psutil.Process:
        """Return the temporary Prefect server of the stage."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it may end meanwhile
                if "flows.server" in child.cmdline():
                    return child
        raise LookupError(f"process {self.process.pid} runs no Prefect server")

    def kill(self) -> list[str]:
        """Kill the process, and only it; return the commands of children that do not end then."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()
        _, left = psutil.wait_procs(children, timeout=_LEFT_S)
        commands = []
        for child in left:
            with suppress(psutil.NoSuchProcess):
                commands.append(" ".join(child.cmdline()[:4]))
                child.kill()
        return commands

    def ended(self) -> int:
        """Wait for the end of the process, and return its exit code."""
        return self.process.wait(_END_S)


class SmallProject:
    """A project on a handful of clips in which every stage has run.

    Attributes:
        folder: Its folder.
        api: Address of a Prefect server for stages that start none.
    """

    def __init__(self, folder: Path, api: str) -> None:
        """Make the project and run its stages, which takes minutes."""
        write_clips(folder / "clips")
        self._project: Project = copy_project(folder / "project", api)
        self._project.change_params(ask_for_little)
        ended = self._project.run("dvc", "repro")
        if ended.returncode:
            raise RuntimeError(ended.stdout + ended.stderr)
        self.folder, self.api = self._project.folder, api
        lock = yaml.safe_load((self.folder / "dvc.lock").read_text())
        self._outs = {
            name: [out["path"] for out in stage["outs"]] for name, stage in lock["stages"].items()
        }
        self._expected: dict[str, Mapping[str, str]] = {}
        self._seconds: dict[str, float] = {}

    def seconds(self, stage: Stage) -> float:
        """Return how long the flow of a stage takes; the first call runs it undisturbed."""
        if stage.name not in self._seconds:
            self.reset(stage)
            run = self.start(stage)
            run.await_begin()
            begun = time.monotonic()
            if run.ended():
                raise RuntimeError(run.output)
            self._seconds[stage.name] = time.monotonic() - begun
            self._expected[stage.name] = self._made(stage)
        return self._seconds[stage.name]

    def reset(self, stage: Stage) -> None:
        """Remove what a stage has made and kept, so that it has all of its work to do."""
        for name in (*self._outs[stage.name], *stage.anew, ".cache"):
            path = self.folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def start(
        self,
        stage: Stage,
        *,
        api: str = "",
        within: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        preexec: Callable[[], None] | None = None,
    ) -> Run:
        """Start a stage.

        Args:
            stage: The stage.
            api: Address of a Prefect server; without one the stage starts a temporary server.
            within: A command that runs the stage's command.
            environment: More variables.
            preexec: Called in the new process before the command runs.
        """
        log = self.folder.with_name("stage.log")
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*within, sys.executable, "-m", *stage.command],
                cwd=self.folder,
                env={
                    **os.environ,
                    "PYTHONPATH": str(self.folder),
                    "PREFECT_API_URL": api,
                    **(environment or {}),
                },
                stdout=file,
                stderr=subprocess.STDOUT,
                preexec_fn=preexec,
            )
        return Run(process, log)

    def problem_of_rerun(self, stage: Stage) -> str:
        """Run a stage undisturbed; return what is wrong with that or with what it makes."""
        run = self.start(stage, api=self.api)
        if run.ended():
            return f"does not run again: {_last_line(run.output)}"
        made = self._made(stage)
        expected = self._expected[stage.name]
        wrong = sorted(name for name in {*made, *expected} if made.get(name) != expected.get(name))
        return f"makes something else: {', '.join(wrong[:3])}" if wrong else ""

    def _made(self, stage: Stage) -> dict[str, str]:
        """Return the hash of each file that a stage has made."""
        outs = [self.folder / out for out in (*self._outs[stage.name], *stage.anew)]
        files = [
            path
            for out in outs
            if "mlruns" not in out.parts
            for path in (out.rglob("*") if out.is_dir() else [out])
            if path.is_file()
        ]
        return {path.relative_to(self.folder).as_posix(): _content_hash(path) for path in files}


def problem(code: int, output: str, named: str = "") -> str:
    """Return what is wrong with how a stage has ended under a fault, or ``""``.

    It may succeed all the same; or fail with the exit code 2 and one line that begins with
    ``dfd:``, without a traceback.

    Args:
        code: The exit code.
        output: What the stage has said.
        named: What the line has to name.
    """
    if code == 0:
        return ""
    lines = [line for line in output.splitlines() if line.startswith("dfd: ")]
    if code != 2 or len(lines) != 1 or named not in lines[0] or "Traceback" in output:
        return f"exit code {code}, {len(output.splitlines())} lines: {_last_line(output)}"
    return ""


def _content_hash(path: Path) -> str:
    if path.name != "registration.json":
        return hash_file(path)
    record = json.loads(_LATENCY.sub("ms per crop", path.read_text()))
    for candidate in record["candidates"].values():
        for reason in candidate["reasons"]:
            if reason["what"] == "ms per crop":
                reason["found"] = ""
    return json.dumps(record)


def _last_line(output: str) -> str:
    return ([line for line in output.splitlines() if line.strip()] or [""])[-1][:200]
