"""The kill and fault matrix: every stage of a small project under every fault, and once more after.

``python -m benchmarks faults`` takes an hour or two. ``DFD_STAGES`` and ``DFD_FAULTS`` name some of
either, with commas between them. The table goes into ``docs/reliability.md``.
"""

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.servers import prefect_server
from benchmarks.stage_runs import STAGES, SmallProject, Stage, problem
from dfd.files import write_json, write_text
from tests.stores import locked

_RESULTS = Path(__file__).with_suffix(".json")
_PAGE = Path(__file__).resolve().parent.parent / "docs" / "reliability.md"
_BEGIN, _END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
_MOMENTS = (0.1, 0.5, 0.9)  # of the time that a flow takes
_LOCKED_S = 60.0
_HOUR_S = 3600
_SMALL = 2**12  # bytes of a file, where no folder can be filled
_CLOCKS = ("libfaketimeMT.so.1", "libfaketime.so.1")
# A file system of its own for one folder and one process, which ends with the process: full, or
# read-only. The first argument is the folder, the second a copy of its content.
_FULL = (
    'mount -t tmpfs -o size=$(($(du -sk "$2" | cut -f1) + 4096))k none "$1" && '
    'cp -a "$2/." "$1" && (dd if=/dev/zero of="$1/.filler" bs=4k 2>/dev/null; true) && '
)
_READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && '
_THEN = 'shift 2 && exec "$@"'

# What is wrong after each try; "" where the stage has survived it.
Tries = Iterator[str]


def killed(project: SmallProject, stage: Stage) -> Tries:
    """Kill the stage with SIGKILL; its children must end, and it must go on when it runs again."""
    for share in _MOMENTS:
        project.reset(stage)
        run = project.start(stage)
        run.await_begin()
        time.sleep(share * project.seconds(stage))
        left = run.kill()
        yield f"leaves {left[0]}" if left else project.problem_of_rerun(stage)


def full_disk(project: SmallProject, stage: Stage) -> Tries:
    """Leave no room in one folder after the other that the stage writes."""
    if _can_mount():
        yield from _refused(project, stage, _FULL)
        return

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (_SMALL, _SMALL))

    project.reset(stage)
    run = project.start(stage, api=project.api, preexec=limit)
    yield problem(run.ended(), run.output) or project.problem_of_rerun(stage)


def read_only(project: SmallProject, stage: Stage) -> Tries:
    """Make one folder after the other read-only that the stage writes."""
    if _can_mount():
        yield from _refused(project, stage, _READ_ONLY)


def locked_store(project: SmallProject, stage: Stage) -> Tries:
    """Lock the database of MLflow for a minute, then damage it."""
    database = project.folder / "mlruns" / "mlflow.db"
    project.reset(stage)
    database.parent.mkdir(exist_ok=True)
    sqlite3.connect(database).close()
    with locked(database, _LOCKED_S):
        run = project.start(stage, api=project.api)
        run.await_begin()
        code = run.ended()
    yield problem(code, run.output) or project.problem_of_rerun(stage)

    project.reset(stage)
    whole = database.read_bytes() if database.exists() else b""
    database.parent.mkdir(exist_ok=True)
    database.write_bytes(whole[:1000] + bytes(100_000))
    run = project.start(stage, api=project.api)
    found = problem(run.ended(), run.output)
    database.write_bytes(whole) if whole else database.unlink()
    yield found or project.problem_of_rerun(stage)


def dead_server(project: SmallProject, stage: Stage) -> Tries:
    """Kill the Prefect server of the stage: its temporary one, then one that it was given."""
    project.reset(stage)
    run = project.start(stage)
    run.await_begin()
    time.sleep(project.seconds(stage) / 2)
    if run.process.poll() is None:
        run.server().kill()
    code = run.ended()
    found = "" if code == 0 else f"exit code {code}"
    yield found or problem(code, run.output) or project.problem_of_rerun(stage)

    project.reset(stage)
    folder = project.folder.with_name("server")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with prefect_server(folder) as (api, server):
        run = project.start(stage, api=api)
        run.await_begin()
        os.killpg(server.pid, 9)
        code = run.ended()
    yield problem(code, run.output) or project.problem_of_rerun(stage)


def clock_jump(project: SmallProject, stage: Stage) -> Tries:
    """Set the clock one hour on, and then two hours back, while the stage runs."""
    if not (library := _clock_library()):
        return
    now = project.folder.with_name("clock")
    project.reset(stage)
    now.write_text("+0")
    environment = {
        **{"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(now)},
        **{"FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"},
    }
    run = project.start(stage, api=project.api, environment=environment)
    run.await_begin()
    for jump in (_HOUR_S, -_HOUR_S):
        time.sleep(project.seconds(stage) / 3)
        now.write_text(f"{jump:+d}")
    code = run.ended()
    found = "" if code == 0 else f"exit code {code}: {problem(code, run.output)}"
    yield found or project.problem_of_rerun(stage)


FAULTS: dict[str, Callable[[SmallProject, Stage], Tries]] = {
    "kill -9": killed,
    "full disk": full_disk,
    "read-only": read_only,
    "locked or damaged store": locked_store,
    "dead Prefect server": dead_server,
    "clock jump": clock_jump,
}


def faults(folder: Path) -> dict[str, float]:
    """Try every fault on every stage, print the table and write it into ``docs/reliability.md``.

    Args:
        folder: An empty folder.

    Returns:
        How often a fault was tried, and how often the stage has survived it.
    """
    stages = _chosen("DFD_STAGES", list(STAGES))
    chosen = _chosen("DFD_FAULTS", list(FAULTS))
    results = json.loads(_RESULTS.read_text()) if _RESULTS.exists() else {}
    (folder / "prefect").mkdir()
    with prefect_server(folder / "prefect") as (api, _):
        project = SmallProject(folder, api)
        for name in stages:
            project.seconds(STAGES[name])
            for fault in chosen:
                found = list(FAULTS[fault](project, STAGES[name]))
                for what in filter(None, found):
                    print(f"{name}, {fault}: {what}", file=sys.stderr)
                row = results.setdefault(name, {})
                row[fault] = [len(found), sum(not what for what in found)]
                print(f"{name}, {fault}: {_cell(row[fault])}", file=sys.stderr)
                write_json(_RESULTS, results)
    _show(results)
    tried, survived = (
        sum(cell[number] for row in results.values() for cell in row.values()) for number in (0, 1)
    )
    return {"faults.tried": tried, "faults.survived": survived}


def _refused(project: SmallProject, stage: Stage, mount: str) -> Tries:
    """Run a stage once for each folder that it writes, mounted so that it cannot be written."""
    project.reset(stage)
    problems = []
    for name in stage.writes:
        folder, copy = project.folder / name, project.folder.with_name("content")
        folder.mkdir(exist_ok=True)
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        shell = ("unshare", "--mount", "sh", "-c", mount + _THEN, "sh", str(folder), str(copy))
        # Only a temporary server writes its records into the project's own folder.
        run = project.start(stage, api="" if name == ".prefect" else project.api, within=shell)
        problems.append(problem(run.ended(), run.output, named=name))
        if problems[-1]:
            problems[-1] = f"{name}: {problems[-1]}"
    after = project.problem_of_rerun(stage)
    yield from (found or after for found in problems)


def _can_mount() -> bool:
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True
    )
    return tried.returncode == 0


def _clock_library() -> Path | None:
    """Return the library that shows a process another clock (Debian: libfaketime), or None."""
    found = [path for name in _CLOCKS for path in Path("/usr/lib").glob(f"*/faketime/{name}")]
    return found[0] if found else None


def _chosen(variable: str, known: list[str]) -> list[str]:
    chosen = os.environ.get(variable)
    return [name for name in known if not chosen or name in chosen.split(",")]


def _show(results: dict[str, dict[str, list[int]]]) -> None:
    """Print the table, and write it into the page."""
    table = Table("stage", *FAULTS, box=None)
    lines = [f"| stage | {' | '.join(FAULTS)} |\n", f"|---|{'---|' * len(FAULTS)}\n"]
    for stage in (name for name in STAGES if name in results):
        cells = [_cell(results[stage].get(fault)) for fault in FAULTS]
        table.add_row(stage, *cells)
        lines.append(f"| `{stage}` | {' | '.join(cells)} |\n")
    Console(width=120).print(table)
    before, _, rest = _PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    write_text(_PAGE, f"{before}{_BEGIN}\n{''.join(lines)}\n{_END}{after}")


def _cell(result: list[int] | None) -> str:
    return f"{result[1]} of {result[0]}" if result and result[0] else "not tried"
