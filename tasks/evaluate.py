"""Tasks of the stage ``evaluate``."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from dfd.arrays import Images, Scores
from dfd.dataset.table import container_features, read_index
from dfd.detector.appearance import TONE, names
from dfd.detector.domain import outside_domain
from dfd.detector.network import load_detector
from dfd.evaluate.baselines import baseline_scores
from dfd.evaluate.crop_scores import measure_crops
from dfd.evaluate.evaluation import evaluate
from dfd.evaluate.findings import Findings
from dfd.evaluate.pictures import pictures
from dfd.evaluate.records import as_record, tables
from dfd.evaluate.report import evaluation_page, model_card
from dfd.evaluate.worst_errors import worst_errors
from dfd.faces.reader import read_crops, read_crops_table
from dfd.files import write_json, write_table, write_text
from dfd.params.data import SplitParams
from dfd.params.evaluation import EvaluateParams
from dfd.plots import write_figure
from dfd.scoring.decision import THRESHOLD
from dfd.split.table import FRAME_PART, assign_parts, read_split, summarise
from dfd.words import marked
from tasks.tracking import log_evaluation

_SUMMARY = ("coverage", "error_of_verdicts", "auc_above_baseline", "auc_within_groups")  # logged
_STEP = 64  # crops scored between two reports of the progress


@task(task_run_name="evaluate {detector}", cache_policy=NO_CACHE)  # a callback has no cache key
def evaluate_detector(
    detector: Path,
    faces: Path,
    index: Path,
    split: Path,
    split_params: SplitParams,
    params: EvaluateParams,
    on_step: Callable[[str, int, int], None],
) -> Findings:
    """Score the crops of the test part with a detector, and evaluate it beside the baselines.

    Args:
        detector: Folder of the detector.
        faces: Output folder of the faces stage.
        index: The table of videos.
        split: The table that assigns videos to parts.
        split_params: The section ``split`` of ``params.yaml``.
        params: The section ``evaluate`` of ``params.yaml``.
        on_step: Called with what is being done, how much of it is done and how much there is; 0
            where nobody knows.
    """
    rows = read_split(split)
    facts = read_index(index).drop(columns=["source", "group", "label", "part"])
    videos = rows.merge(facts, on="video")
    train, test = (videos[videos["part"].isin([part, FRAME_PART])] for part in ("train", "test"))
    crops = assign_parts(read_crops_table(faces), rows, split_params)
    loaded = load_detector(detector)
    on_step("measuring the training crops", 0, 0)
    done, total = 0, int((crops["part"] == "test").sum())

    def predict(images: Images) -> Scores:
        nonlocal done
        scores = [np.empty(0)]
        for start in range(0, len(images), _STEP):
            scores.append(loaded.predict(images[start : start + _STEP]))
            done += len(scores[-1])
            on_step(f"{done} of {total} test crops", done, total)
        return np.concatenate(scores)

    measured = {
        part: measure_crops(faces, crops[crops["part"] == part], scores)
        for part, scores in (("train", None), ("test", predict))
        if (crops["part"] == part).any()
    }
    on_step("resampling the groups", 0, 0)
    statistics = pd.concat(
        table.groupby("video")[names(TONE)].mean() for table in measured.values()
    )
    features = {
        "metadata": container_features(videos.set_index("video")),
        "image_statistics": statistics[~statistics.index.duplicated(keep="last")],
    }
    evaluation = evaluate(
        measured.get("test", crops.iloc[:0]),
        test,
        baseline_scores(train, test, features),
        loaded.card.decision,
        params,
        outside_domain(loaded.card.domain, measured.get("test", crops.iloc[:0])),
    )
    datasets = tuple(sorted(videos["dataset"].unique()))
    return Findings(loaded.card, evaluation, summarise(rows, split_params), datasets)


@task(task_run_name="report {detector}")
def report_evaluation(
    findings: Findings, detector: Path, faces: Path, metrics: Path, plots: Path
) -> None:
    """Write metrics, tables, pictures and reports, and log them to the detector's MLflow run.

    Args:
        findings: The evaluation, and what the reports say about detector, split and data sets.
        detector: Folder of the detector.
        faces: Output folder of the faces stage.
        metrics: The JSON file to write.
        plots: The folder for tables, pictures and reports.
    """
    evaluation, card = findings.evaluation, findings.card
    record = as_record(evaluation, card.leaky)
    write_json(metrics, record)
    points = tables(evaluation)
    for key, table in points.items():
        write_table(plots / f"{key}.csv", table)
    worst = worst_errors(evaluation.videos, evaluation.crops, THRESHOLD)
    images = read_crops(faces, worst) if len(worst) else np.empty((0, 1, 1, 3), np.uint8)
    name = marked(detector.name, card.leaky)
    drawn = pictures(evaluation, card.decision, points, worst, images, name)
    for key, picture in drawn.items():
        write_figure(plots / f"{key}.png", picture.figure)
    files = {key: (plots / f"{key}.png").read_bytes() for key in drawn}
    write_text(plots / "evaluation.html", evaluation_page(findings, drawn, files, worst))
    write_text(plots / "model_card.md", model_card(findings))

    made = [*(f"{key}.csv" for key in points), *(f"{key}.png" for key in drawn)]
    log_evaluation(
        detector,
        [metrics, *(plots / name for name in (*made, "evaluation.html", "model_card.md"))],
        {
            level: asdict(judged.metrics)
            for level, judged in (*evaluation.levels.items(), *evaluation.baselines.items())
        },
        {key: record[key] for key in _SUMMARY},
    )
    get_run_logger().info("%s: %s", detector.name, record["video"])
