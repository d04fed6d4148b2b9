"""Tasks of the stage ``robustness``."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from dfd.detector.card import DetectorCard
from dfd.detector.network import load_detector
from dfd.faces.reader import read_crops, read_crops_table
from dfd.faces.store import read_video_faces
from dfd.files import UNFINISHED, write_json, write_table
from dfd.isolation import Limits
from dfd.params.data import SplitParams
from dfd.params.evaluation import EvaluateParams
from dfd.params.faces import CropParams
from dfd.plots import write_figure
from dfd.robustness.figure import robustness_figure
from dfd.robustness.perturbations import ON_CROP, ON_TABLE, ON_VIDEO, perturb_crops
from dfd.robustness.table import (
    CLEAN,
    as_record,
    check_classes,
    level_scores,
    robustness_table,
    stored_crops,
)
from dfd.robustness.worker import extract_perturbed, perturbed_key
from dfd.split.table import assign_parts, read_split
from dfd.words import marked
from tasks.faces import may_pass_next_time
from tasks.tracking import log_robustness
from tasks.workers import run_name, thread_worker


@task(task_run_name="score clean crops", cache_policy=NO_CACHE)
def score_clean(detector: Path, faces: Path, split: Path, params: SplitParams) -> pd.DataFrame:
    """Return the unperturbed crops of the test part with their scores.

    Raises:
        EvaluationError: The test part has only one class, or no crop.
    """
    crops = assign_parts(read_crops_table(faces), read_split(split), params)
    crops = crops.query("part == 'test'")
    check_classes(crops)  # now, before hours of work
    return crops.assign(score=load_detector(detector).predict(read_crops(faces, crops)))


@task(
    task_run_name=run_name("perturb"),
    retries=1,
    retry_condition_fn=may_pass_next_time,
    cache_policy=NO_CACHE,  # its results are files
)
def perturb_video(
    video: str, sha256: str, folder: Path, params: CropParams, limits: Limits, store: Path
) -> None:
    """Extract one video's faces at each level of ``ON_VIDEO`` that is not in the store yet."""
    pool = thread_worker(limits)
    store.mkdir(parents=True, exist_ok=True)
    for name, perturbation in ON_VIDEO.items():
        for level in perturbation.levels:
            key = perturbed_key(sha256, params, name, level)
            if read_video_faces(store, key) is not None:
                continue
            with TemporaryDirectory(prefix=UNFINISHED, dir=store) as temporary:
                clip = Path(temporary) / "clip.mp4"
                perturbed = (folder / video, clip, name, level, params)
                pool.run(extract_perturbed, store, key, *perturbed)


@task(task_run_name="score {name}", cache_policy=NO_CACHE)
def score_perturbed_videos(
    name: str,
    detector: Path,
    clean: pd.DataFrame,
    hashes: Mapping[str, str],
    params: CropParams,
    split: Path,
    split_params: SplitParams,
    store: Path,
) -> pd.DataFrame:
    """Score the faces of the perturbed videos at each level of ``ON_VIDEO[name]``."""
    loaded = load_detector(detector)
    rows = read_split(split)
    tables = []
    for level in ON_VIDEO[name].levels:
        keys = {v: perturbed_key(sha256, params, name, level) for v, sha256 in hashes.items()}
        stored = stored_crops(store, keys)
        if stored:
            crops, images = stored
            crops = assign_parts(crops, rows, split_params).assign(score=loaded.predict(images))
            tables.append(level_scores(crops.query("part == 'test'"), name, level))
    return pd.concat(tables) if tables else level_scores(clean.iloc[:0], name)


@task(task_run_name="score {name}", cache_policy=NO_CACHE)
def score_perturbed_crops(
    name: str, detector: Path, faces: Path, clean: pd.DataFrame
) -> pd.DataFrame:
    """Score the clean crops at each level of ``ON_CROP[name]``."""
    loaded = load_detector(detector)
    images = read_crops(faces, clean)
    perturbation = ON_CROP[name]
    return pd.concat(
        level_scores(
            clean.assign(
                score=loaded.predict(perturb_crops(images, clean["member"], perturbation, level))
            ),
            name,
            level,
        )
        for level in perturbation.levels
    )


@task(task_run_name="score {name}", cache_policy=NO_CACHE)
def score_fewer_frames(name: str, clean: pd.DataFrame) -> pd.DataFrame:
    """Score the videos at each level of ``ON_TABLE[name]``, from the clean crops' scores."""
    perturbation = ON_TABLE[name]
    return pd.concat(
        level_scores(perturbation.function(clean, level), name, level)
        for level in perturbation.levels
    )


@task(task_run_name="report {detector}", cache_policy=NO_CACHE)
def report_robustness(
    clean: pd.DataFrame,
    scores: list[pd.DataFrame],
    given_up: Mapping[str, str],
    detector: Path,
    card: DetectorCard,
    split: Path,
    params: EvaluateParams,
    metrics: Path,
    plots: Path,
) -> None:
    """Write the robustness table and its figure, and log them to the detector's MLflow run."""
    rows = read_split(split)
    videos = len(rows if card.leaky else rows[rows["part"] == "test"])
    table = robustness_table(pd.concat([level_scores(clean, CLEAN), *scores]), videos, params)
    clean_auc = table["auc"].iloc[0]
    record = as_record(table, card.leaky, given_up)
    write_json(metrics, record)
    write_table(plots / "robustness.csv", table)
    title = f"{marked(detector.name, card.leaky)}: {videos} test videos, perturbed"
    write_figure(plots / "robustness.png", robustness_figure(table, title))
    measured = table.iloc[1:].dropna(subset="auc")
    log_robustness(
        detector,
        [metrics, plots / "robustness.csv", plots / "robustness.png"],
        {
            str(name): {f"{row['level']:g}": float(row["auc"]) for _, row in levels.iterrows()}
            for name, levels in measured.groupby("perturbation", sort=False)
        },
    )
    worst = table.sort_values("difference").iloc[0]
    where = f"{worst['perturbation']} {worst['level']:g}"
    get_run_logger().info(
        "%s: video AUC %.3f clean, %.3f at %s", detector.name, clean_auc, worst["auc"], where
    )
