"""Stage ``train``: trains one candidate of ``params.yaml`` and writes its detector."""

from pathlib import Path

from prefect import flow

from dfd.files import project_root, sweep
from dfd.params.data import SplitParams
from dfd.params.faces import FacesParams
from dfd.params.section import load_section
from dfd.params.training import load_candidate
from flows.paths import CHECKPOINTS, FACES, PACKED, SPLIT, detector_dir, metrics_dir, plots_dir
from flows.progress import shown_steps
from flows.stage import run_stage
from tasks.tracking import finish_run
from tasks.train import train_detector


@flow(name="train", flow_run_name="train {candidate}")
def train_candidate(candidate: str, checkpoint: Path) -> str:
    """Train a candidate, and return its run; one that was killed goes on after its last epoch."""
    detector, metrics = detector_dir(candidate), metrics_dir(candidate) / "train.json"
    for path in (checkpoint, detector):
        sweep(path)
    with shown_steps() as on_step:
        return train_detector(
            candidate=candidate,
            params=load_candidate(candidate),
            crop=load_section(FacesParams).crop,
            split_params=load_section(SplitParams),
            faces=FACES,
            split=SPLIT,
            store=project_root() / PACKED,  # in the project's root: DVC experiments share one store
            checkpoint=checkpoint,
            detector=detector,
            metrics=metrics,
            history=plots_dir(candidate) / "training.csv",
            on_step=on_step,
        )


def train(candidate: str) -> None:
    """Train a candidate, and end its run and remove its state once everything has succeeded."""
    checkpoint = CHECKPOINTS / f"{candidate}.npz"
    finish_run(train_candidate(candidate, checkpoint))
    checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    run_stage(train)
