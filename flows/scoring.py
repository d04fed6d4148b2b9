"""Videos scored by any detector, cropped as that detector was trained."""

from pathlib import Path

import pandas as pd

from dfd.detector import load_detector
from dfd.evaluate.aggregate import video_scores
from dfd.evaluate.look import look
from dfd.faces.shards import read_crops_table
from dfd.files import hash_json
from dfd.params import FacesParams, load_section
from flows.extract import extract_videos
from flows.paths import CROSSED, FACES, VIDEOS


def score_crops(detector: Path, videos: dict[str, Path], faces: FacesParams) -> pd.DataFrame:
    """Return every crop of these videos with the detector's ``score`` and its looks.

    What was extracted for the same crop parameters before is not extracted again.

    Args:
        detector: Detector directory.
        videos: File by id.
        faces: How extraction runs; what is cropped, the detector says.

    Raises:
        DetectorError: The detector cannot be loaded.
        FacesError: There is nothing to extract.
    """
    loaded = load_detector(detector)
    params = faces.model_copy(update=loaded.card.crop.model_dump())
    out = CROSSED / hash_json(loaded.card.crop.model_dump())[:16]
    extract_videos(videos, out, params)
    crops = read_crops_table(out)
    return look(out, crops, loaded.predict) if len(crops) else crops


def rescore(detector: Path, ids: list[str]) -> pd.Series:
    """Return a detector's calibrated scores, by id, of videos of the project's data set."""
    faces = load_section(FacesParams)
    loaded = load_detector(detector)
    if loaded.card.crop == faces.crop:
        crops = read_crops_table(FACES)
        crops = crops[crops["video"].isin(ids)]
        crops = look(FACES, crops, loaded.predict) if len(crops) else crops.assign(score=0.0)
    else:
        crops = score_crops(detector, {video: VIDEOS / video for video in ids}, faces)
    scored = video_scores(crops.assign(label="", group=""))
    calibrated = loaded.card.decision.calibration.apply(scored["score"])
    return pd.Series(calibrated, index=pd.Index(scored["video"]))
