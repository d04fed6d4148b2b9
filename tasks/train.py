"""The task of the stage ``train``: train a candidate, log it, and write its detector."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from dfd.detector.domain import domain_of, fit_appearance
from dfd.faces.reader import read_crops_table, read_manifest
from dfd.files import hash_file, write_json, write_table
from dfd.params.data import SplitParams
from dfd.params.faces import CropParams
from dfd.params.training import CandidateParams
from dfd.scoring.decision import why_no_verdicts
from dfd.split.table import assign_parts, leaks, read_split
from dfd.train.export.saving import save_detector
from dfd.train.export.to_onnx import missing_packages
from dfd.train.feed.crops import crops_of_part, statistics_of
from dfd.train.feed.feed import Feed
from dfd.train.feed.store import open_store
from dfd.train.feed.untouched import without_untouched
from dfd.train.loop.checkpoint import Checkpoint
from dfd.train.loop.fit import Callbacks, fit
from dfd.train.loop.history import EpochRecord, curves
from dfd.train.loop.network import build_network
from dfd.train.loop.setup import choose_setup
from dfd.train.pictures import batch_figure, training_figure
from dfd.words import counted, marked
from tasks.tracking import (
    EpochLog,
    connect,
    continue_run,
    failing,
    log_detector,
    log_first_batch,
)

_COMPARED = 32  # validation crops on which the exported network is compared with Keras


@task(task_run_name="train {candidate}", cache_policy=NO_CACHE)  # Prefect cannot hash a callback
def train_detector(
    candidate: str,
    params: CandidateParams,
    crop: CropParams,
    split_params: SplitParams,
    faces: Path,
    split: Path,
    store: Path,
    checkpoint: Path,
    detector: Path,
    metrics: Path,
    history: Path,
    on_step: Callable[[str, int, int], None],
) -> str:
    """Train one candidate, log every epoch to MLflow, and write its detector directory.

    An epoch that MLflow refuses does not stop the training. Its run is not marked as finished, so
    that it goes on where anything fails afterwards.

    Args:
        candidate: Name of the candidate.
        params: Its parameters.
        crop: The parameters that the crops were made with.
        split_params: The parameters of the split.
        faces: Output folder of the faces stage.
        split: The split's file.
        store: Folder of the crop store.
        checkpoint: File for the state of the run; the caller removes it when all has succeeded.
        detector: The detector directory to write.
        metrics: The metrics file to write.
        history: The file of training curves to write.
        on_step: Called with what is being done, and how many of how many steps of the whole
            training are done; 0 steps where nobody knows.

    Returns:
        The id of the run in MLflow.

    Raises:
        TrackingError: MLflow's store fails before the training, or still fails after it.
    """
    logger = get_run_logger()
    cv2.setNumThreads(1)  # the feed augments crops in several threads already
    # Setup and network come first: a wrong parameter is an error before a crop is decoded.
    on_step("building the network", 0, 0)
    setup = choose_setup(params)
    network = build_network(candidate, params)
    logger.info(
        "the backbone starts from %s weights",
        network.weights if network.pretrained else "random",
    )
    crops = read_crops_table(faces)
    images = open_store(faces, crops, store)
    rows = read_split(split)
    table, leaky = assign_parts(crops, rows, split_params), leaks(rows)
    train, validation = (
        crops_of_part(images, table, part, crop.margin) for part in ("train", "validation")
    )
    train, untouched = without_untouched(train)
    if untouched:
        tracks = counted(untouched, "track")
        logger.info("not taught as FAKE, as the source shows the same face: %s", tracks)
    if install := missing_packages():
        logger.warning("the trained network cannot be exported here: %s", install)
    logger.info("%d training crops, %d validation; %s", len(train), len(validation), setup)
    title = marked(candidate, leaky)
    state = Checkpoint.of(checkpoint, params, train, validation)
    client = connect()
    run_id = continue_run(
        client, candidate, params.model_dump(), asdict(setup), state.key, leaky=leaky
    )
    epochs = EpochLog(run_id)
    epoch = 1  # of the full phase
    head = network.pretrained and params.head_epochs > 0  # the features of its phase come first

    def on_epoch(record: EpochRecord) -> None:
        nonlocal epoch, head
        epoch += record.phase == "full"
        head = False
        if not epochs.add(asdict(record), record.epoch):
            return
        logger.info(
            "epoch %d (%s): loss %.3f, accuracy %.3f | validation loss %.3f, accuracy %.3f, "
            "video AUC %.3f | %.0f s, %.0f crops/s, %.0f %% waiting",
            *(record.epoch, record.phase, record.loss, record.accuracy, record.val_loss),
            *(record.val_accuracy, record.val_video_auc, record.seconds),
            *(record.images_per_second, 100 * record.waiting),
        )

    def report_step(step: int, steps: int) -> None:
        if head:
            on_step(f"head: features of batch {step} of {steps}", step, steps)
            return
        at = "validation" if step == steps else f"step {step} of {steps}"
        each = steps + 1  # the validation counts as a step
        done = (epoch - 1) * each + step
        on_step(f"epoch {epoch} of {params.epochs}, {at}", done, params.epochs * each)

    with failing(run_id):
        first = Feed(train, params, 1)
        log_first_batch(client, run_id, batch_figure(first, f"{title}: first batch"))
        result = fit(
            network, train, validation, params, setup, state, Callbacks(on_epoch, report_step)
        )
        appearance = fit_appearance(statistics_of(train), statistics_of(validation))
        domain = domain_of(train.table, read_manifest(faces), appearance)
        card = result.card(candidate, params, crop, domain, hash_file(split), leaky)
        if why := why_no_verdicts(card.decision):
            logger.warning("%s will give no verdicts: %s", candidate, why)
        table = curves(result.history)
        on_step("exporting the network", 0, 0)
        save_detector(detector, result.model, card, table, validation.sample(_COMPARED))
        write_table(history, table)
        write_json(
            metrics,
            {
                "leaky": card.leaky,
                "weights": card.weights,
                "epochs": len(result.history),
                "best_epoch": result.best_epoch,
                "chosen_by": result.criterion,
                "decision": card.model_dump(mode="json")["decision"],
                "validation_video": card.validation["video"],
                "validation_frame": card.validation["frame"],
            },
        )
        epochs.finish()
        log_detector(client, run_id, detector, training_figure(table, title))
    return run_id
