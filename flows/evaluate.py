"""Stage ``evaluate``: one candidate's detector and the baselines on the test part."""

from prefect import flow

from dfd.params.data import SplitParams
from dfd.params.evaluation import EvaluateParams
from dfd.params.section import load_section
from flows.paths import FACES, INDEX, SPLIT, detector_dir, metrics_dir, plots_dir
from flows.progress import shown_steps
from flows.stage import run_stage
from tasks.evaluate import evaluate_detector, report_evaluation


@flow(name="evaluate", flow_run_name="evaluate {candidate}")
def evaluate(candidate: str) -> None:
    """Score the test part with the candidate's detector; write metrics, tables and pictures."""
    detector = detector_dir(candidate)
    split = load_section(SplitParams)
    params = load_section(EvaluateParams)
    metrics = metrics_dir(candidate) / "evaluation.json"
    with shown_steps() as on_step:
        findings = evaluate_detector(detector, FACES, INDEX, SPLIT, split, params, on_step)
        on_step("drawing the pages", 0, 0)
        report_evaluation(findings, detector, FACES, metrics, plots_dir(candidate))


if __name__ == "__main__":
    run_stage(evaluate)
