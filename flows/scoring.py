"""Scores of videos by any detector, from faces that are cropped as in that detector's training."""

from pathlib import Path

import pandas as pd

from dfd.detector.network import load_detector
from dfd.evaluate.crop_scores import measure_crops
from dfd.faces.reader import read_crops_table
from dfd.files import hash_json
from dfd.params.faces import FacesParams
from dfd.params.section import load_section
from dfd.params.workers import WorkerParams
from dfd.scoring.aggregate import video_scores
from flows.extraction import extract_videos
from flows.paths import FACES, RECROPPED, VIDEOS
from tasks.workers import limits_of


def score_crops(detector: Path, videos: dict[str, Path]) -> pd.DataFrame:
    """Extract faces from any video files, and score each crop.

    Faces that were extracted before with the same crop parameters are not extracted again.

    Args:
        detector: Detector directory.
        videos: Video files by id.

    Returns:
        The crops table, with the detector's ``score`` and the image statistics of each crop.

    Raises:
        DetectorError: The detector cannot be loaded.
        FacesError: There is nothing to extract.
    """
    loaded = load_detector(detector)
    faces, workers = load_section(FacesParams), load_section(WorkerParams)
    params = faces.model_copy(update=loaded.card.crop.model_dump())
    out = RECROPPED / hash_json(loaded.card.crop.model_dump())[:16]
    extract_videos(videos, out, params, limits_of(workers))
    crops = read_crops_table(out)
    return measure_crops(out, crops, loaded.predict) if len(crops) else crops


def score_dataset_videos(detector: Path, videos: list[str]) -> pd.Series:
    """Score videos of the project's data set.

    Args:
        detector: Detector directory.
        videos: Ids of the videos.

    Returns:
        Calibrated P(FAKE) by id, without the videos that have no face.

    Raises:
        DetectorError: The detector cannot be loaded.
        FacesError: There is nothing to extract.
    """
    loaded = load_detector(detector)
    if loaded.card.crop == load_section(FacesParams).crop:
        crops = read_crops_table(FACES)
        crops = crops[crops["video"].isin(videos)]
        crops = (
            measure_crops(FACES, crops, loaded.predict) if len(crops) else crops.assign(score=0.0)
        )
    else:
        crops = score_crops(detector, {video: VIDEOS / video for video in videos})
    scored = video_scores(crops.assign(label="", group=""))
    calibrated = loaded.card.decision.calibration.apply(scored["score"])
    return pd.Series(calibrated, index=pd.Index(scored["video"]))
