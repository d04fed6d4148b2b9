"""Stage ``register``: detectors become versions of one model, and one of them the champion."""

import tempfile
from pathlib import Path

from prefect import flow

from dfd.dataset.table import read_index
from dfd.detector.card import load_card
from dfd.files import project_root, write_json, write_table
from dfd.params.evaluation import EvaluateParams, RegisterParams
from dfd.params.section import load_section
from dfd.params.training import candidate_names
from dfd.split.table import read_split
from flows.paths import (
    CHAMPION,
    INDEX,
    REGISTRATION,
    SPLIT,
    detector_dir,
    evaluated,
    metrics_dir,
    plots_dir,
    read_result,
)
from flows.progress import shown_steps
from flows.scoring import score_dataset_videos
from flows.stage import run_stage
from tasks.model_version import Evaluated
from tasks.register import leaders, register_detector


@flow(name="register", flow_run_name="register")
def register() -> None:
    """Register every candidate of ``params.yaml`` that has been evaluated, best first.

    The order follows the validation part, so that it does not depend on the test part.
    """
    candidates = {
        name: Evaluated(
            detector_dir(name),
            read_result(metrics_dir(name) / "evaluation.json"),
            plots_dir(name) / "predictions.csv",
            plots_dir(name) / "model_card.md",
        )
        for name in evaluated(candidate_names())
    }
    params, bootstrap = load_section(RegisterParams), load_section(EvaluateParams)
    with tempfile.TemporaryDirectory() as folder:
        videos = Path(folder) / "videos.csv"
        hashes = read_index(INDEX)[["video", "sha256", "frame_hashes", "face_hashes"]]
        write_table(videos, read_split(SPLIT)[["video", "group", "part"]].merge(hashes, on="video"))
        decisions = {}
        with shown_steps() as on_step:
            for name in sorted(candidates, key=_validation_figures, reverse=True):
                on_step(f"registering {name}", 0, 0)
                decisions[name] = register_detector(
                    name, candidates[name], videos, params, bootstrap, score_dataset_videos
                )
    record = {
        "model": params.model,
        **leaders(params, project_root() / CHAMPION),
        "candidates": decisions,
    }
    write_json(REGISTRATION, record)


def _validation_figures(candidate: str) -> tuple[float, float]:
    videos = load_card(detector_dir(candidate)).validation["video"]
    return videos["auc"] or 0.0, -videos["log_loss"]


if __name__ == "__main__":
    run_stage(register)
