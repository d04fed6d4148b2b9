"""Tasks of the pipeline: ``dvc repro``, whose output is cut into stages."""

import os
import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed

from dfd.errors import DfdError

DVC = (sys.executable, "-m", "dvc")
_BEGINS = re.compile(r"(Running stage|Stage|ERROR: failed to reproduce) '([^']+)'(.*)")


class StageError(DfdError):
    """A stage of the pipeline failed."""


@dataclass(frozen=True)
class StageRun:
    """Outcome of one stage: ``ran``, ``restored`` from DVC's cache or ``unchanged``."""

    stage: str
    outcome: str
    seconds: float


class Repro:
    """The output of a running ``dvc repro``, stage by stage."""

    def __init__(self, process: subprocess.Popen[str], on_line: Callable[[str], str]) -> None:
        """Read the output of a process.

        Args:
            process: The process, with its output in a pipe.
            on_line: Called with every line; returns what an error message may quote of it.
        """
        self._process, self._on_line = process, on_line
        self._quotable = deque[str](maxlen=200)
        self._begun: tuple[str, str] | None = None  # name and outcome of the stage in the output

    def next_stage(self) -> str | None:
        """Return the name of the stage that begins now, or None if all have ended.

        Raises:
            StageError: DVC cannot read the project.
        """
        if self._begun is None:
            self._read("")
        if self._begun is not None:
            return self._begun[0]
        if self._process.wait():
            raise StageError(f"dvc.yaml: {_reason(self._quotable)}; run `dvc status`")
        return None

    def finish_stage(self) -> str:
        """Read the output of the stage to its end, and return its outcome.

        Raises:
            StageError: The stage failed; the message is the stage's own line.
        """
        assert self._begun is not None  # next_stage has returned its name
        stage, outcome = self._begun
        self._begun = None
        self._read(stage)
        if self._begun is None and self._process.wait():
            reason = _reason(self._quotable)
            raise StageError(
                f"stage {stage} failed: {reason} (`dvc checkout` brings its last outputs back)"
            )
        return outcome

    def _read(self, stage: str) -> None:
        """Read until a stage other than ``stage`` begins, or to the end."""
        assert self._process.stdout is not None  # it is a pipe
        for line in self._process.stdout:
            quotable = self._on_line(line)
            begins = _BEGINS.match(line)
            if begins and begins[2] != stage:
                self._quotable.clear()
                self._begun = begins[2], _outcome(begins[1], begins[3])
            self._quotable.append(quotable)
            if self._begun:
                return


def _outcome(begins: str, rest: str) -> str:
    if begins == "Stage":
        return "restored" if rest.startswith(" is cached") else "unchanged"
    return "ran"


@contextmanager
def running_repro(
    stages: Sequence[str], environment: Mapping[str, str], on_line: Callable[[str], str]
) -> Iterator[Repro]:
    """Run ``dvc repro`` for stages, one after the other, and yield its output.

    Args:
        stages: Names of the stages, which then run alone; none for all stages.
        environment: Environment variables to set.
        on_line: Called with every line; returns what an error message may quote of it.
    """
    with subprocess.Popen(
        [*DVC, "repro", *(["--single-item", *stages] if stages else [])],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **environment},
    ) as process:
        yield Repro(process, on_line)


@task(task_run_name="list stages")
def list_stages() -> list[str]:
    """Return the stages in the order of ``dvc.yaml``, in which they can run one after the other.

    Raises:
        StageError: DVC cannot read the project.
    """
    listed = subprocess.run([*DVC, "stage", "list", "--name-only"], capture_output=True, text=True)
    if listed.returncode:
        raise StageError(f"dvc.yaml: {_reason(listed.stderr.splitlines())}; run `dvc stage list`")
    return listed.stdout.split()


@task(task_run_name="{stage}", cache_policy=NO_CACHE)  # a running process has no cache key
def repro(stage: str, output: Repro) -> Any:
    """Await the end of one stage, and return the state whose result is a ``StageRun``.

    Raises:
        StageError: The stage failed; the message is the stage's own line.
    """
    started = time.monotonic()
    run = StageRun(stage, output.finish_stage(), time.monotonic() - started)
    create_markdown_artifact(
        key=f"stage-{re.sub('[^a-z0-9]+', '-', stage.lower())}",
        markdown=_describe(run),
        description=f"{stage}: {run.outcome} in {run.seconds:.0f} s",
    )
    name = "Completed" if run.outcome == "ran" else "Cached"
    return Completed(name=name, message=f"{run.outcome} in {run.seconds:.0f} s", data=run)


def _reason(lines: deque[str] | list[str]) -> str:
    raised = [line.strip() for line in lines if re.match(r"[\w.]+(Error|Exception): ", line)]
    own = [line.removeprefix("dfd: ").strip() for line in lines if line.startswith("dfd: ")]
    any_line = [line.removeprefix("ERROR: ").strip() for line in lines if line.strip()]
    return (own or raised or any_line or ["no output"])[-1]


def _describe(run: StageRun) -> str:
    name, _, candidate = run.stage.partition("@")
    files = (
        sorted(Path("metrics", candidate).glob("*.json"))
        if candidate
        else [Path("metrics/split.json")] * (name == "split")
        + [Path("metrics/registration.json")] * (name == "register")
    )
    shown = "\n\n".join(f"`{file}`\n\n```json\n{file.read_text()}```" for file in files)
    return f"# {run.stage}\n\n{run.outcome} in {run.seconds:.1f} s\n\n{shown}\n"
