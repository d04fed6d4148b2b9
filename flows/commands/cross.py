"""Evaluation of a registered detector on other data sets, and a submission to Kaggle."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from dfd.dataset.index import FileFacts, build_index, describe
from dfd.dataset.layouts import LAYOUTS, LabelledVideo, list_unlabelled, read_layout
from dfd.dataset.seen import seen_groups
from dfd.detector.card import load_card
from dfd.detector.domain import outside_domain
from dfd.errors import DatasetError, EvaluationError
from dfd.evaluate.evaluation import Evaluation, evaluate
from dfd.files import write_table
from dfd.isolation import WorkerPool, for_each
from dfd.params.evaluation import EvaluateParams, RegisterParams
from dfd.params.section import load_section
from dfd.scoring.aggregate import video_scores
from flows.paths import PICTURES_STORE
from flows.scoring import score_crops
from tasks.pictures import LIMITS, hashed_pictures
from tasks.registry import VIDEOS, open_registry
from tasks.tracking import log_cross_evaluation

_NO_EVIDENCE = 0.5  # score of a clip without a face: Kaggle takes no empty cell


def cross_evaluate(reference: str, sets: Sequence[str]) -> pd.DataFrame:
    """Evaluate a version on other data sets, and log the figures to the version's run.

    If a data set has an official split, only its test part is used. A group is left out if the
    detector was trained or validated on any video of it, or on a copy with the same pictures.

    Args:
        reference: Number or alias of the version.
        sets: Data sets as ``layout:folder``.

    Returns:
        A row per data set: ``data set``, ``videos``, ``left out``, ``coverage``, ``video AUC``,
        ``low``, ``high``, ``balanced``, ``log loss``, ``ece``, ``intervals``.

    Raises:
        DatasetError: A data set cannot be read, or the detector was trained on all of it.
        RegistryError: There is no such version, or its files are gone or have changed.
    """
    named = [(*_layout_and_folder(name), name) for name in sets]
    # All labels are read first, so that a wrong name is an error before any long work.
    videos = {name: read_layout(folder, layout) for layout, folder, name in named}
    rows = []
    with open_registry(load_section(RegisterParams).model) as registry:
        version = registry.version(reference)
        detector, known = registry.detector(version), registry.table(version, VIDEOS)
        for _, folder, name in named:
            evaluation = _evaluate(detector, known, videos[name], folder)
            row = _row(name, evaluation, len(videos[name]))
            rows.append(row)
            if version.run_id:
                figures = {
                    "video_auc": evaluation.levels["video"].metrics.auc,
                    "coverage": evaluation.coverage.coverage,
                }
                dataset = folder.resolve().name
                log_cross_evaluation(registry.client, version.run_id, dataset, figures, row)
    return pd.DataFrame(rows)


def submit(reference: str, folder: Path, out: Path) -> tuple[int, list[str]]:
    """Write Kaggle's ``submission.csv`` (``filename,label``) for clips without labels.

    Args:
        reference: Number or alias of the version.
        folder: Folder with the clips, at any depth.
        out: File to write.

    Returns:
        The number of clips, and the names of those without a face, which get 0.5.

    Raises:
        DatasetError: There is no clip.
    """
    clips = dict(list_unlabelled(folder))
    with open_registry(load_section(RegisterParams).model) as registry:
        detector = registry.detector(registry.version(reference))
    crops = score_crops(detector, clips)
    scored = video_scores(crops.assign(label="", group="")).set_index("video")
    calibrated = load_card(detector).decision.calibration.apply(scored["score"])
    labels = pd.Series(calibrated, index=scored.index).reindex(list(clips))
    without = labels.index[labels.isna()].tolist()
    names = [clip.name for clip in clips.values()]
    table = pd.DataFrame({"filename": names, "label": labels.fillna(_NO_EVIDENCE).to_numpy()})
    write_table(out, table)
    return len(clips), without


def _evaluate(
    detector: Path, known: pd.DataFrame, videos: Sequence[LabelledVideo], folder: Path
) -> Evaluation:
    listed = build_index(videos, _facts(videos), folder.name)
    if (listed["part"] == "test").any():
        listed = listed[listed["part"] == "test"]
    listed = listed[~listed["group"].isin(seen_groups(listed, known[known["part"] != "test"]))]
    if listed.empty:
        raise DatasetError(
            f"{folder}: the detector was trained on every group of it; name data it does not know"
        )
    paths = {v.video: v.path for v in videos if v.video in set(listed["video"])}
    crops = score_crops(detector, paths)
    if crops.empty:
        raise EvaluationError(f"{folder}: no video of it has a face the detector could be shown")
    share = (listed["label"] == "FAKE").mean()
    card = load_card(detector)
    return evaluate(
        crops.merge(listed[["video", "label", "group"]], on="video"),
        listed,
        {"majority": pd.Series(share, index=pd.Index(listed["video"]))},
        card.decision,
        load_section(EvaluateParams),
        outside_domain(card.domain, crops),
    )


def _facts(videos: Sequence[LabelledVideo]) -> list[FileFacts]:
    """Return the facts of files by which copies are recognised: their hashes."""

    def work(pool: WorkerPool, video: LabelledVideo) -> FileFacts:
        facts = describe(video.path, None)
        pictures = hashed_pictures(pool, video.path, facts.sha256, PICTURES_STORE)
        return replace(facts, pictures=pictures)

    ended = for_each(work, videos, LIMITS)
    return [facts for _, facts in ended if isinstance(facts, FileFacts)]


def _row(name: str, evaluation: Evaluation, videos: int) -> dict[str, str | int | float | None]:
    judged = evaluation.levels["video"]
    interval = judged.intervals.get("auc")
    return {
        "data set": name,
        "videos": evaluation.coverage.videos,
        "left out": videos - evaluation.coverage.videos,
        "coverage": evaluation.coverage.coverage,
        "video AUC": judged.metrics.auc,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "balanced": judged.metrics.balanced_accuracy,
        "log loss": judged.metrics.log_loss,
        "ece": judged.metrics.ece,
        "intervals": evaluation.why_no_interval or "given",
    }


def _layout_and_folder(name: str) -> tuple[str, Path]:
    layout, _, folder = name.partition(":")
    if layout not in LAYOUTS or not folder:
        known = ", ".join(LAYOUTS)
        raise DatasetError(f"{name}: write LAYOUT:FOLDER, with one of the layouts {known}")
    return layout, Path(folder)
