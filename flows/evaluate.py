"""Stage ``evaluate``: one candidate's detector on the test part, opened once."""

import argparse

from prefect import flow

from dfd.detector import load_card
from dfd.params import EvaluateParams, SplitParams, load_section
from flows.paths import FACES, SPLIT, detector_dir, metrics_dir, plots_dir
from flows.stage import run_stage
from tasks.evaluate import evaluate_detector, report_evaluation


@flow(name="evaluate", flow_run_name="evaluate {candidate}")
def evaluate(candidate: str) -> None:
    """Judge the candidate's detector and write its figures and pictures."""
    detector = detector_dir(candidate)
    split = load_section(SplitParams)
    evaluation = evaluate_detector(detector, FACES, SPLIT, split, load_section(EvaluateParams))
    report_evaluation(
        evaluation,
        detector,
        load_card(detector),
        metrics_dir(candidate) / "evaluation.json",
        plots_dir(candidate),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Evaluate one candidate of params.yaml.")
    parser.add_argument("candidate")
    run_stage(evaluate, parser.parse_args().candidate)
