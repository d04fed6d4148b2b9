"""Tasks of the stage ``register``: the gate decides which detector leads the registry."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from dfd.detector.card import load_card
from dfd.detector.network import load_detector
from dfd.errors import RegistryError
from dfd.params.evaluation import EvaluateParams, RegisterParams
from dfd.register.comparison import comparable
from dfd.register.gate import Reason, Ruling, allowed_error, rule, within_limits
from tasks.model_version import Evaluated, export_champion, registered
from tasks.registry import (
    CHALLENGER,
    CHAMPION,
    DECISION,
    PREDICTIONS,
    RULING,
    VIDEOS,
    Registry,
    locked_registry,
)
from tasks.tracking import log_ruling

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

_BATCH, _ROUNDS = 32, 3  # crops a batch and batches, to measure the latency

ScoreVideos = Callable[[Path, list[str]], pd.Series]


@task(task_run_name="register {name}", cache_policy=NO_CACHE)  # a callback has no cache key
def register_detector(
    name: str,
    candidate: Evaluated,
    videos: Path,
    params: RegisterParams,
    bootstrap: EvaluateParams,
    score_videos: ScoreVideos,
) -> dict[str, Any]:
    """Register one detector, and let the gate decide whether it becomes the champion.

    The same detector is always the same version, and the gate rules on a version once. Its decision
    is written before the aliases follow it, so that a registration that was killed ends as it would
    have ended, and a second one returns the same.

    Args:
        name: Name of the candidate.
        candidate: The candidate's detector and evaluation.
        videos: CSV file of all videos: ``video``, ``group``, ``part`` and their hashes.
        params: Name of the registered model, and the gate's limits.
        bootstrap: Number of resamples, and their seed.
        score_videos: Function from a detector directory and ids of videos to calibrated scores by
            id.

    Returns:
        ``version``, ``detector`` (hash), ``outcome``, ``why`` (one line), ``reasons`` and
        ``number``, that of the ruling among all by the same test part.
    """
    with locked_registry(params.model) as registry:
        version = registered(registry, candidate, videos)
        decision = _known_decision(version)
        if decision is None:
            number = registry.rulings_before(version) + 1
            ruling = _ruling(registry, version, number, candidate, params, bootstrap, score_videos)
            decision = {
                "outcome": ruling.outcome,
                "why": ruling.line,
                "reasons": [asdict(reason) for reason in ruling.reasons],
                "number": number,
            }
            registry.note_decision(version, json.dumps(decision))
        if RULING not in version.tags:
            _carry_out(registry, version, decision, candidate.card)
    get_run_logger().info("%s: version %s, %s", name, version.version, decision["why"])
    sha256 = load_card(candidate.detector).sha256
    return {"version": int(version.version), "detector": sha256, **decision}


def leaders(params: RegisterParams, champion: Path) -> dict[str, int]:
    """Export the champion's detector, and return the versions of champion and challenger by alias.

    Args:
        params: Name of the registered model.
        champion: Folder to write the champion's detector into.
    """
    with locked_registry(params.model) as registry:
        export_champion(registry, champion)
        aliases = registry.aliases()
    return {alias: aliases[alias] for alias in (CHAMPION, CHALLENGER) if alias in aliases}


def compare_versions(
    registry: Registry, ours: "ModelVersion", theirs: "ModelVersion", score_videos: ScoreVideos
) -> pd.DataFrame:
    """Return the scores of two versions on videos that neither was trained on.

    Args:
        registry: The registry.
        ours: The challenger.
        theirs: The champion.
        score_videos: Function from a detector directory and ids of videos to calibrated scores by
            id.

    Returns:
        Columns ``video``, ``group``, ``label``, ``challenger`` and ``champion``.

    Raises:
        RegistryError: A file of one of the versions is gone.
        DetectorError: The champion's detector cannot be loaded.
    """
    detector = registry.detector(theirs)  # refused if damaged, even if nothing is scored
    tables = [
        (registry.table(version, PREDICTIONS), registry.table(version, VIDEOS))
        for version in (ours, theirs)
    ]
    return comparable(tables[0], tables[1], lambda videos: score_videos(detector, videos))


def _ruling(
    registry: Registry,
    version: "ModelVersion",
    number: int,
    candidate: Evaluated,
    params: RegisterParams,
    bootstrap: EvaluateParams,
    score_videos: ScoreVideos,
) -> Ruling:
    evaluation = candidate.evaluation
    if "error_of_verdicts_high" not in evaluation:
        raise RegistryError(
            f"metrics/{candidate.detector.name}/evaluation.json: another version of dfd wrote it; "
            "run `dvc repro`"
        )
    video = evaluation["video"]
    figures: dict[str, tuple[float | None, float]] = {
        "coverage": (evaluation["coverage"], params.min_coverage),
        "ms per crop": (_latency_ms(candidate.detector), params.max_latency_ms),
    }
    if evaluation["error_of_verdicts_high"] is not None:  # else there is no verdict to be wrong
        bound = evaluation["error_of_verdicts_high"]
        figures["wrong verdicts, with 90 % confidence"] = (bound, params.max_error)
    if video["ece_low"] is not None:  # with too few groups for an interval, it is mostly chance
        figures["calibration error, at least"] = (video["ece_low"], params.max_ece)
    limits = within_limits(figures)
    if evaluation["leaky"]:
        limits = (*limits, Reason("split", "leaky", "by group", False))
    if not all(reason.holds for reason in limits):
        return Ruling("reject", limits)
    champion = registry.champion()
    compared = (
        _beside_baseline(candidate.predictions)
        if champion is None
        else compare_versions(registry, version, champion, score_videos)
    )
    ruling = rule(compared, number, bootstrap.bootstrap, bootstrap.seed)
    return Ruling(ruling.outcome, (*limits, *ruling.reasons))


def _beside_baseline(predictions: Path) -> pd.DataFrame:
    """Return the scores of a detector and of the strongest baseline, as ``rule`` takes them."""
    table = pd.read_csv(predictions)
    named = table.rename(columns={"actual": "label", "score": "challenger"})
    return named[["group", "label", "challenger", "baseline"]]


def _known_decision(version: "ModelVersion") -> dict[str, Any] | None:
    """Return what the gate has decided about a version, or None."""
    if DECISION in version.tags:
        decision: dict[str, Any] = json.loads(version.tags[DECISION])
        return decision
    if line := version.tags.get(RULING):  # an earlier version of dfd wrote the line alone
        return {"outcome": line.partition(":")[0], "why": line, "reasons": []}
    return None


def _carry_out(
    registry: Registry, version: "ModelVersion", decision: dict[str, Any], card: Path
) -> None:
    """Have run and aliases follow a decision; what was done before a kill is not done twice."""
    if version.run_id:
        log_ruling(registry.client, version.run_id, decision["reasons"])
    if "number" in decision:  # an earlier version of dfd did not count them
        text = card.read_text(encoding="utf-8") + _use_of_test_part(decision["number"])
        registry.describe(version, text)
    leads = registry.aliases().get(CHAMPION) == int(version.version)
    if decision["outcome"] == "keep":
        registry.challenge(version)
    elif decision["outcome"] == "promote" and not leads:
        registry.lead(version, decision["why"])
    registry.note_ruling(version, decision["why"])


def _use_of_test_part(number: int) -> str:
    """Return the paragraph of a version's description on how often its test part has decided."""
    return (
        "\n## Use of the test part\n\n"
        f"This is ruling number {number} by the same test part. The more rulings, the likelier one "
        f"of them is luck: this one had to be {100 * (1 - allowed_error(number)):.4g} % sure.\n"
    )


def _latency_ms(detector: Path) -> float:
    """Return the milliseconds a crop takes on this machine, in the fastest of three batches."""
    loaded = load_detector(detector)
    crops = np.zeros((_BATCH, loaded.card.input_size, loaded.card.input_size, 3), np.uint8)
    loaded.predict(crops)  # the first call allocates memory
    seconds = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        loaded.predict(crops)
        seconds.append(time.perf_counter() - begun)
    return 1000 * min(seconds) / _BATCH
