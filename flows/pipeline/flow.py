"""The pipeline: ``dvc repro`` as one flow with a task for each stage, now or on a schedule."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.schedules import CronSchedule
from prefect.settings import PREFECT_API_URL
from pydantic import ValidationError

from dfd.errors import DfdError, ParamsError
from dfd.params.evaluation import RobustnessParams
from dfd.params.section import load_section
from dfd.params.training import candidate_names
from flows.pipeline.made import described
from flows.pipeline.terminal import Terminal, new_log
from flows.progress import REPORTS
from flows.stage import CANDIDATE_STAGES
from tasks.pipeline import StageRun, list_stages, repro, running_repro


@flow(name="pipeline", flow_run_name="pipeline")
def pipeline(without: Sequence[str] = (), log: Path | None = None) -> None:
    """Run every stage in order. A failed stage ends the run; results of earlier stages stay.

    Args:
        without: Candidates that are neither trained nor evaluated.
        log: File for all that is not for the terminal; a new one in ``.cache/logs`` if None.

    Raises:
        ParamsError: ``params.yaml`` has no such candidate.
        StageError: A stage failed.
    """
    check_candidates(without)
    left_out = {f"{stage}@{name}" for stage in CANDIDATE_STAGES for name in without}
    stages = [stage for stage in list_stages() if stage not in left_out] if without else []
    environment = {
        "PREFECT_API_URL": str(get_client(sync_client=True).api_url),  # one server for all stages
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        REPORTS: "1",
    }
    runs: list[StageRun] = []
    with (
        (log or new_log()).open("a", encoding="utf-8", buffering=1) as file,
        Terminal(file) as terminal,
        running_repro(stages, environment, terminal.take) as output,
    ):
        while stage := output.next_stage():
            terminal.begin(stage)
            run: StageRun = repro(stage, output, return_state=True).result()
            terminal.end(stage, run.seconds, described(run))
            runs.append(run)
    create_table_artifact(
        key="pipeline",
        table=[
            {"stage": r.stage, "outcome": r.outcome, "seconds": f"{r.seconds:.1f}"} for r in runs
        ],
        description="The stages of the last run",
    )


def check_candidates(without: Sequence[str]) -> None:
    """Check that ``params.yaml`` has every candidate that a run or its sections name.

    Args:
        without: Candidates to leave out.

    Raises:
        ParamsError: There is no such candidate, or the file cannot be used.
    """
    known = candidate_names()
    for name in without:
        if name not in known:
            raise ParamsError(f"--without {name}: no such candidate; there are {', '.join(known)}")
    for name in load_section(RobustnessParams).candidates:
        if name not in known:
            raise ParamsError(
                f"params.yaml: robustness.candidates: no candidate {name}; there are "
                f"{', '.join(known)}"
            )


def check_schedule(cron: str) -> None:
    """Check that a server is named that keeps a schedule, and that the schedule is one.

    Args:
        cron: The schedule, in cron's five fields.

    Raises:
        DfdError: ``PREFECT_API_URL`` is not set.
        ParamsError: ``cron`` is no schedule.
    """
    if not PREFECT_API_URL.value():
        raise DfdError(
            "PREFECT_API_URL is not set; start `prefect server start` and "
            "`export PREFECT_API_URL=http://127.0.0.1:4200/api`"
        )
    try:
        CronSchedule(cron=cron)
    except ValidationError as error:
        raise ParamsError(f"--cron {cron!r}: not five cron fields, as in '0 2 * * *'") from error


def serve(cron: str, without: Sequence[str]) -> None:
    """Run the pipeline on a schedule, until Ctrl-C, through the server in ``PREFECT_API_URL``.

    Args:
        cron: The schedule, in cron's five fields.
        without: Candidates that are neither trained nor evaluated.
    """
    pipeline.serve(
        name="scheduled",
        cron=cron,
        parameters={"without": list(without)},
        limit=1,  # two runs at once would write the same files
    )
