"""Tasks of the pipeline: ``dvc repro``, one stage at a time."""

import os
import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed

from dfd.errors import DfdError

DVC = (sys.executable, "-m", "dvc")


class StageError(DfdError):
    """A stage of the pipeline failed."""


@dataclass(frozen=True)
class StageRun:
    """Outcome of one stage: ``ran``, ``restored`` from DVC's cache or ``unchanged``."""

    stage: str
    outcome: str
    seconds: float


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


@task(task_run_name="{stage}")
def repro(stage: str, environment: Mapping[str, str]) -> Any:
    """Run ``dvc repro`` for one stage alone and return the state whose result is a ``StageRun``.

    The output of the stage goes to the terminal at once.

    Raises:
        StageError: The stage failed; the message is the stage's own line.
    """
    started = time.monotonic()
    outcome, lines = "unchanged", deque[str](maxlen=200)
    with subprocess.Popen(
        [*DVC, "repro", "--single-item", stage],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        assert process.stdout is not None  # PIPE is asked for above
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
            if line.startswith(f"Running stage '{stage}'"):
                outcome = "ran"
            elif line.startswith(f"Stage '{stage}' is cached"):
                outcome = "restored"
    if process.returncode:
        raise StageError(
            f"stage {stage} failed: {_reason(lines)} (`dvc checkout` brings its last outputs back)"
        )
    run = StageRun(stage, outcome, time.monotonic() - started)
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
