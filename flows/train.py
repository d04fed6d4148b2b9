"""Stage ``train``: one candidate's detector from the training part, chosen on validation."""

import argparse

from prefect import flow

from dfd.params import FacesParams, SplitParams, load_candidate, load_section
from flows.paths import FACES, SPLIT, detector_dir, metrics_dir, plots_dir
from flows.stage import run_stage
from tasks.train import train_detector


@flow(name="train", flow_run_name="train {candidate}")
def train(candidate: str) -> None:
    """Train the candidate that ``params.yaml`` describes."""
    train_detector(
        candidate,
        load_candidate(candidate),
        load_section(FacesParams).crop,
        load_section(SplitParams),
        FACES,
        SPLIT,
        detector_dir(candidate),
        metrics_dir(candidate) / "train.json",
        plots_dir(candidate) / "training.csv",
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train one candidate of params.yaml.")
    parser.add_argument("candidate")
    run_stage(train, parser.parse_args().candidate)
