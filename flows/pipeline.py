"""The whole workflow as one scheduled flow: ``dvc repro``, stage by stage.

python -m flows.pipeline                              # once, now
python -m flows.pipeline --serve --cron "0 2 * * *"   # every night, from the Prefect UI
"""

import argparse
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
from flows.stage import run_stage
from tasks.pipeline import StageRun, list_stages, repro

_OF_A_CANDIDATE = ("train", "evaluate", "robustness")


@flow(name="pipeline", flow_run_name="pipeline")
def pipeline(without: Sequence[str] = ()) -> list[StageRun]:
    """Run every stage in order; a failed one ends the run, and what came before stays.

    Args:
        without: Candidates that are neither trained nor judged.

    Raises:
        ParamsError: ``params.yaml`` has no such candidate.
    """
    known = candidate_names()  # says in one line what is wrong with params.yaml
    for name in without:
        if name not in known:
            raise ParamsError(f"--without {name}: no such candidate; there are {', '.join(known)}")
    for name in load_section(RobustnessParams).candidates:
        if name not in known:
            raise ParamsError(
                f"params.yaml: robustness.candidates: no candidate {name}; there are "
                f"{', '.join(known)}"
            )
    left_out = {f"{stage}@{name}" for stage in _OF_A_CANDIDATE for name in without}
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


def serve(cron: str) -> None:
    """Keep serving the pipeline on a schedule to the Prefect server in ``PREFECT_API_URL``.

    Raises:
        DfdError: No server is named.
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
    pipeline.serve(name="scheduled", cron=cron, limit=1)  # never two at once


def main() -> None:
    """Run or serve the pipeline, as the command line says."""
    parser = argparse.ArgumentParser(description="Run the workflow, or serve it on a schedule.")
    parser.add_argument("--serve", action="store_true", help="serve it to a running Prefect server")
    parser.add_argument(
        "--without", nargs="+", default=[], metavar="CANDIDATE", help="train all but these, now"
    )
    parser.add_argument(
        "--cron", default="0 2 * * *", help="when, with --serve (default: %(default)s)"
    )
    arguments = parser.parse_args()
    if arguments.serve:
        run_stage(serve, arguments.cron)
    else:
        run_stage(pipeline, arguments.without)


if __name__ == "__main__":
    main()
