"""The output of ``dvc repro``, cut into stages. ``tests/test_workflow.py`` has the real one."""

import subprocess
import sys

import pytest

from tasks.pipeline import Repro, StageError

PRINT = "import sys; print(sys.argv[1]); sys.exit(int(sys.argv[2]))"


def outcomes(output: str, code: int = 0) -> tuple[dict[str, str], list[str]]:
    """Return the outcome of every stage in an output, and all its lines."""
    seen: list[str] = []

    def on_line(line: str) -> str:
        seen.append(line.rstrip())
        return line

    with subprocess.Popen(
        [sys.executable, "-c", PRINT, output, str(code)], stdout=subprocess.PIPE, text=True
    ) as process:
        repro = Repro(process, on_line)
        found = {}
        while stage := repro.next_stage():
            found[stage] = repro.finish_stage()
    return found, seen


def test_stages_run_are_restored_or_unchanged() -> None:
    output = """'clips.dvc' didn't change, skipping
Stage 'dataset' didn't change, skipping
Running stage 'split':
> python -m flows.split
Updating lock file 'dvc.lock'

Stage 'train@small' is cached - skipping run, checking out outputs
Use `dvc push` to send your updates to remote storage."""
    found, seen = outcomes(output)
    assert found == {"dataset": "unchanged", "split": "ran", "train@small": "restored"}
    assert seen == output.splitlines()


def test_a_failed_stage_has_its_own_line_as_the_reason() -> None:
    output = """Running stage 'dataset':
dfd: an earlier stage's line
Running stage 'split':
dfd: data/videos.csv: damaged; run `dvc repro dataset`
ValueError: what Prefect logs of it
ERROR: failed to reproduce 'split': failed to run: python -m flows.split, exited with 2"""
    with pytest.raises(StageError, match=r"^stage split failed: data/videos.csv: damaged; run "):
        outcomes(output, 1)


def test_a_stage_that_cannot_begin_is_the_one_that_failed() -> None:
    output = """Stage 'dataset' didn't change, skipping
ERROR: failed to reproduce 'split': missing data 'source': data/videos.csv"""
    with pytest.raises(StageError, match=r"^stage split failed: .*missing data 'source'"):
        outcomes(output, 1)


def test_a_project_that_dvc_cannot_read_is_one_line() -> None:
    with pytest.raises(StageError, match=r"^dvc\.yaml: 'dvc.yaml' is invalid; run `dvc status`"):
        outcomes("ERROR: 'dvc.yaml' is invalid", 255)
