"""The whole workflow as one flow, now or on a schedule: ``dvc repro``, stage by stage."""

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
from flows.stage import CANDIDATE_STAGES
from tasks.pipeline import StageRun, list_stages, repro


@flow(name="pipeline", flow_run_name="pipeline")
def pipeline(without: Sequence[str] = ()) -> list[StageRun]:
    """Run every stage in order. A failed stage ends the run; results of earlier stages stay.

    Args:
        without: Candidates that are neither trained nor evaluated.

    Returns:
        What became of each stage.

    Raises:
        ParamsError: ``params.yaml`` has no such candidate.
        StageError: A stage failed.
    """
    check_candidates(without)
    left_out = {f"{stage}@{name}" for stage in CANDIDATE_STAGES for name in without}
    environment = {
        "PREFECT_API_URL": str(get_client(sync_client=True).api_url),  # one server for all stages
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    runs: list[StageRun] = [
        repro(stage, environment, return_state=True).result()
        for stage in list_stages()
        if stage not in left_out
    ]
    create_table_artifact(
        key="pipeline",
        table=[
            {"stage": r.stage, "outcome": r.outcome, "seconds": f"{r.seconds:.1f}"} for r in runs
        ],
        description="The stages of the last run",
    )
    return runs


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


def serve(cron: str, without: Sequence[str]) -> None:
    """Run the pipeline on a schedule, until Ctrl-C, through the server in ``PREFECT_API_URL``.

    Args:
        cron: The schedule, in cron's five fields.
        without: Candidates that are neither trained nor evaluated.

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
    pipeline.serve(
        name="scheduled",
        cron=cron,
        parameters={"without": list(without)},
        limit=1,  # two runs at once would write the same files
    )
