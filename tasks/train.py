"""Task of the stage ``train``."""

from dataclasses import asdict
from pathlib import Path

from prefect import get_run_logger, task

from dfd.dataset.split import assign_parts, read_split
from dfd.detector import save_detector
from dfd.evaluate.plots import training_figure
from dfd.faces.reader import read_crops
from dfd.faces.shards import read_crops_table
from dfd.files import hash_file, write_json, write_table
from dfd.params import CandidateParams, CropParams, SplitParams
from dfd.train.feed import Crops
from dfd.train.fit import EpochRecord, fit
from tasks.tracking import connect, log_epoch, running, start_run, tie_detector


@task(task_run_name="train {candidate}")
def train_detector(
    candidate: str,
    params: CandidateParams,
    crop: CropParams,
    split_params: SplitParams,
    faces: Path,
    split: Path,
    detector: Path,
    metrics: Path,
    curves: Path,
) -> None:
    """Train one candidate, log it to MLflow as it goes, and write its detector directory."""
    logger = get_run_logger()
    crops = assign_parts(read_crops_table(faces), read_split(split), split_params)
    parts = {
        part: Crops(read_crops(faces, rows), rows)
        for part in ("train", "validation")
        for rows in [crops[crops["part"] == part].reset_index(drop=True)]
    }
    logger.info("%d training crops, %d validation", *(len(p.images) for p in parts.values()))
    title = f"{candidate} (LEAKY)" if split_params.leaky else candidate
    client = connect()
    run_id = start_run(client, candidate, params.model_dump(), leaky=split_params.leaky)

    def on_epoch(record: EpochRecord) -> None:
        log_epoch(client, run_id, asdict(record), record.epoch)
        logger.info(
            "epoch %d (%s): loss %.3f, accuracy %.3f | validation loss %.3f, accuracy %.3f, "
            "video AUC %.3f | %.0f s",
            *(record.epoch, record.phase, record.loss, record.accuracy, record.val_loss),
            *(record.val_accuracy, record.val_video_auc, record.seconds),
        )

    with running(client, run_id):
        fitted = fit(parts["train"], parts["validation"], params, on_epoch)
        start = "random" if fitted.weights == "none" else fitted.weights
        logger.info("the backbone started from %s weights", start)
        card = fitted.card(candidate, params, crop, hash_file(split), split_params.leaky)
        save_detector(detector, fitted.model, card, fitted.curves())
        write_table(curves, fitted.curves())
        write_json(
            metrics,
            {
                "leaky": card.leaky,
                "weights": card.weights,
                "epochs": len(fitted.history),
                "threshold": card.threshold,
                "validation_video": asdict(card.validation_videos),
                "validation_frame": asdict(card.validation_frames),
            },
        )
        tie_detector(client, run_id, detector)
        client.log_figure(run_id, training_figure(fitted.curves(), title), "training.png")
        client.log_artifact(run_id, str(detector / "detector.json"))
