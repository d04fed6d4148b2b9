"""Task of the stage ``evaluate``."""

from pathlib import Path

from prefect import get_run_logger, task

from dfd.dataset.split import assign_parts, read_split
from dfd.detector import DetectorCard, load_detector
from dfd.evaluate.evaluation import Evaluation, as_record, evaluate
from dfd.evaluate.plots import (
    confusion_matrix_figure,
    roc_figure,
    roc_points,
    score_figure,
    write_figure,
)
from dfd.faces.reader import read_crops
from dfd.faces.shards import read_crops_table
from dfd.files import write_json, write_table
from dfd.params import EvaluateParams, SplitParams
from tasks.tracking import connect, log_figures, run_of


@task(task_run_name="score and judge {detector}")
def evaluate_detector(
    detector: Path,
    faces: Path,
    split: Path,
    split_params: SplitParams,
    params: EvaluateParams,
) -> Evaluation:
    """Score the test part's crops with one detector and judge them."""
    rows = read_split(split)
    crops = assign_parts(read_crops_table(faces), rows, split_params).query("part == 'test'")
    loaded = load_detector(detector)
    crops = crops.assign(score=loaded.predict(read_crops(faces, crops)))
    train = rows if split_params.leaky else rows[rows["part"] == "train"]
    test = rows if split_params.leaky else rows[rows["part"] == "test"]
    return evaluate(
        crops, len(test), (train["label"] == "FAKE").mean(), loaded.card.threshold, params
    )


@task(task_run_name="report {detector}")
def report_evaluation(
    evaluation: Evaluation, detector: Path, card: DetectorCard, metrics: Path, plots: Path
) -> None:
    """Write the figures and pictures, and log them to the detector's run."""
    record = as_record(evaluation, card.threshold, card.leaky)
    write_json(metrics, record)
    scores, name = evaluation.scores, f"{detector.name}{' (LEAKY)' if card.leaky else ''}"
    write_table(
        plots / "predictions.csv",
        scores.assign(
            actual=scores["label"],
            predicted=scores["score"].ge(card.threshold).map({True: "FAKE", False: "REAL"}),
        )[["video", "group", "actual", "predicted", "score", "crops"]],
    )
    points = roc_points(scores["label"], scores["score"])
    write_table(plots / "roc.csv", points)
    figures = {
        "confusion_matrix": confusion_matrix_figure(evaluation.video, f"{name}: test videos"),
        "confusion_matrix_frames": confusion_matrix_figure(evaluation.frame, f"{name}: test crops"),
        "roc": roc_figure(points, f"{name}: test videos"),
        "scores": score_figure(scores, card.threshold, f"{name}: test videos"),
    }
    client = connect()
    run_id = run_of(client, detector)
    for key, figure in figures.items():
        write_figure(plots / f"{key}.png", figure)
        client.log_artifact(run_id, str(plots / f"{key}.png"), "evaluation")
    client.log_artifact(run_id, str(metrics), "evaluation")
    client.log_artifact(run_id, str(plots / "predictions.csv"), "evaluation")
    for level in ("video", "frame", "majority"):
        log_figures(client, run_id, f"test_{level}", record[level])
    get_run_logger().info("%s: %s", detector.name, record["video"])
