"""Stage ``train``: trains one candidate of ``params.yaml`` and writes its detector."""

from prefect import flow

from dfd.files import project_root
from dfd.params.data import SplitParams
from dfd.params.faces import FacesParams
from dfd.params.section import load_section
from dfd.params.training import load_candidate
from flows.paths import CHECKPOINTS, FACES, PACKED, SPLIT, detector_dir, metrics_dir, plots_dir
from flows.progress import shown_steps
from flows.stage import run_stage
from tasks.train import train_detector


@flow(name="train", flow_run_name="train {candidate}")
def train(candidate: str) -> None:
    """Train a candidate; a run that was killed continues after its last complete epoch."""
    with shown_steps() as on_step:
        train_detector(
            candidate=candidate,
            params=load_candidate(candidate),
            crop=load_section(FacesParams).crop,
            split_params=load_section(SplitParams),
            faces=FACES,
            split=SPLIT,
            store=project_root() / PACKED,  # in the project's root: DVC experiments share one store
            checkpoint=CHECKPOINTS / f"{candidate}.npz",
            detector=detector_dir(candidate),
            metrics=metrics_dir(candidate) / "train.json",
            history=plots_dir(candidate) / "training.csv",
            on_step=on_step,
        )


if __name__ == "__main__":
    run_stage(train)
