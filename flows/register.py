"""Stage ``register``: the candidates' detectors as versions of one model, and who leads."""

from prefect import flow

from dfd.files import write_json
from dfd.params import RegisterParams, load_section
from flows.paths import (
    REGISTRATION,
    detector_dir,
    evaluated_candidates,
    metrics_dir,
    read_result,
)
from flows.stage import run_stage
from tasks.register import register_detectors


@flow(name="register", flow_run_name="register")
def register() -> None:
    """Register every candidate of ``params.yaml`` that has been evaluated."""
    names = evaluated_candidates()
    evaluations = {name: read_result(metrics_dir(name) / "evaluation.json") for name in names}
    decisions = register_detectors(
        {name: detector_dir(name) for name in names},
        evaluations,
        load_section(RegisterParams).model,
    )
    write_json(REGISTRATION, decisions)


if __name__ == "__main__":
    run_stage(register)
