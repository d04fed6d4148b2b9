"""Stage ``train``: one candidate's detector from the training part, chosen on validation."""

import argparse
from collections.abc import Callable

from prefect import flow

from dfd.files import project_root
from dfd.params.data import SplitParams
from dfd.params.faces import FacesParams
from dfd.params.section import load_section
from dfd.params.training import load_candidate
from flows.paths import CHECKPOINTS, FACES, PACKED, SPLIT, detector_dir, metrics_dir, plots_dir
from flows.progress import epoch_bar
from flows.stage import run_stage
from tasks.train import train_detector


@flow(name="train", flow_run_name="train {candidate}")
def train(candidate: str) -> None:
    """Train the candidate that ``params.yaml`` describes; a killed run continues where it was."""
    with epoch_bar() as on_step:
        _train(candidate, on_step)


def _train(candidate: str, on_step: Callable[[str, int, int], None]) -> None:
    train_detector(
        candidate,
        load_candidate(candidate),
        load_section(FacesParams).crop,
        load_section(SplitParams),
        FACES,
        SPLIT,
        project_root() / PACKED,  # experiments share one
        CHECKPOINTS / f"{candidate}.npz",
        detector_dir(candidate),
        metrics_dir(candidate) / "train.json",
        plots_dir(candidate) / "training.csv",
        on_step,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train one candidate of params.yaml.")
    parser.add_argument("candidate")
    run_stage(train, parser.parse_args().candidate)
