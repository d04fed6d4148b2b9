"""Stage ``robustness``: how far a candidate's video AUC falls when the videos are perturbed."""

from typing import Any

from prefect import flow
from prefect.futures import PrefectFuture

from dfd.dataset.table import read_index
from dfd.detector.card import load_card
from dfd.errors import EvaluationError, VideoGivenUp
from dfd.isolation import Limits
from dfd.params.data import SplitParams
from dfd.params.evaluation import EvaluateParams
from dfd.params.faces import CropParams, FacesParams
from dfd.params.section import load_section
from dfd.params.workers import WorkerParams
from dfd.robustness.perturbations import ON_CROP, ON_TABLE, ON_VIDEO
from flows.paths import (
    FACES,
    INDEX,
    PERTURBED_STORE,
    SPLIT,
    VIDEOS,
    detector_dir,
    metrics_dir,
    plots_dir,
)
from flows.progress import ProgressBar
from flows.runner import as_they_end, shared_server, task_runner
from flows.stage import run_stage
from tasks.faces import prepare_detector
from tasks.progress import ProgressArtifact
from tasks.robustness import (
    perturb_video,
    report_robustness,
    score_clean,
    score_fewer_frames,
    score_perturbed_crops,
    score_perturbed_videos,
)
from tasks.workers import limits_of


@flow(name="robustness", flow_run_name="robustness {candidate}")
def measure_robustness(candidate: str, params: CropParams, limits: Limits) -> None:
    """Measure the candidate's detector at every level of every perturbation.

    Faces extracted from perturbed videos stay in a store. A run that was killed continues from
    there, and other detectors with the same crop parameters use the same faces.
    """
    detector, split = detector_dir(candidate), load_section(SplitParams)
    card = load_card(detector)
    if card.crop != params:
        raise EvaluationError(
            f"{detector}: trained on faces cropped otherwise than section faces of params.yaml "
            f"says; run `dvc repro train@{candidate}`"
        )
    clean = score_clean(detector, FACES, SPLIT, split)
    hashes, given_up = _perturb_videos(set(clean["video"]), params, limits)
    scores = []
    with ProgressBar("perturbations", len(ON_VIDEO) + len(ON_CROP) + len(ON_TABLE)) as bar:
        for name in ON_VIDEO:
            stored = (params, SPLIT, split, PERTURBED_STORE)
            scores.append(score_perturbed_videos(name, detector, clean, hashes, *stored))
            bar.advance(failed=0)
        for name in ON_CROP:
            scores.append(score_perturbed_crops(name, detector, FACES, clean))
            bar.advance(failed=0)
        for name in ON_TABLE:
            scores.append(score_fewer_frames(name, clean))
            bar.advance(failed=0)
    report_robustness(
        clean,
        scores,
        given_up,
        detector,
        card,
        SPLIT,
        load_section(EvaluateParams),
        metrics_dir(candidate) / "robustness.json",
        plots_dir(candidate),
    )


def _perturb_videos(
    videos: set[str], params: CropParams, limits: Limits
) -> tuple[dict[str, str], dict[str, str]]:
    """Extract the faces of the videos after each perturbation in ``ON_VIDEO``.

    Returns:
        The SHA-256 of each video that was perturbed, by video; and the reason why each other video
        was given up, by video.
    """
    folder, store = VIDEOS.resolve(), PERTURBED_STORE.resolve()  # workers may have another folder
    index = read_index(INDEX)
    chosen = index[index["video"].isin(videos)]
    given_up: dict[str, str] = {}

    def submit(row: Any) -> PrefectFuture[None]:
        return perturb_video.submit(row.video, row.sha256, folder, params, limits, store)

    prepare_detector.submit(params, limits).result()
    with (
        ProgressBar("perturbed videos", len(chosen)) as bar,
        ProgressArtifact("robustness", len(chosen)) as page,
    ):
        for row, future in as_they_end(submit, chosen.itertuples()):
            try:
                future.result()
            except VideoGivenUp as error:
                given_up[str(row.video)] = str(error)
            bar.advance(failed=len(given_up))
            page.advance(failed=len(given_up))
    hashes = dict(zip(chosen["video"], chosen["sha256"], strict=True))
    return {v: sha256 for v, sha256 in hashes.items() if v not in given_up}, given_up


def robustness(candidate: str) -> None:
    """Run the stage for one candidate, with the workers that ``params.yaml`` asks for."""
    params, workers = load_section(FacesParams).crop, load_section(WorkerParams)
    runner = task_runner(workers)
    with shared_server(workers):
        flow_here = measure_robustness.with_options(task_runner=runner)
        flow_here(candidate, params, limits_of(workers))


if __name__ == "__main__":
    run_stage(robustness)
