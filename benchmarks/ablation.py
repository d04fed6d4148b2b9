"""``python -m benchmarks.ablation NAME CANDIDATE``: how much each part of training contributes.

Run it in a project whose stages up to ``faces`` have run. Each configuration adds one part to the
one before and otherwise has the candidate's parameters of ``params.yaml``. Each is trained on the
same crops with three seeds of split, order and weights. The figures are stored under NAME in
``benchmarks/ablation.json``, and a table is printed.

An AUC is the mean over the seeds. Its 95 % interval comes from resampling whole groups. Scores are
replaced by their ranks within a run before the runs are pooled, since an AUC depends on order only.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from dfd.dataset.table import read_index
from dfd.faces.reader import read_crops_table
from dfd.files import write_json
from dfd.params.data import SplitParams
from dfd.params.faces import FacesParams
from dfd.params.section import load_section
from dfd.params.training import load_candidate
from dfd.scoring.aggregate import video_scores
from dfd.scoring.bootstrap import auc_statistic, draws, interval_of_rate
from dfd.scoring.metrics import auc
from dfd.split.protocols import make_split
from dfd.split.table import assign_parts
from dfd.train.feed.crops import crops_of_part
from dfd.train.feed.store import open_store
from dfd.train.loop.checkpoint import Checkpoint
from dfd.train.loop.fit import Callbacks, fit
from dfd.train.loop.network import build_network
from dfd.train.loop.setup import choose_setup
from dfd.train.loop.validation import fake_scores
from flows.paths import FACES, INDEX

RESULTS = Path(__file__).parent / "ablation.json"
SEEDS = (1, 2, 3)
PLAIN = {"sampling": "plain", "augment": False, "self_blended": 0.0}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "plain": PLAIN,
    "+ class balance": {**PLAIN, "sampling": "balanced"},
    "+ pairing": {**PLAIN, "sampling": "paired"},
    "+ augmentation": {**PLAIN, "sampling": "paired", "augment": True},
    "+ self-blended": {"sampling": "paired", "augment": True, "self_blended": 0.5},
    "self-blended alone": {"sampling": "paired", "augment": True, "self_blended": 1.0},
    "plain, split by frame (leaky)": PLAIN,
}


def main(name: str, candidate: str) -> None:
    """Train all configurations, store their figures and print the table.

    Args:
        name: Key of the figures in ``benchmarks/ablation.json``.
        candidate: Name of the candidate in ``params.yaml``.
    """
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        figures = {key: _figures(key, candidate, Path(folder)) for key in CONFIGURATIONS}
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    write_json(RESULTS, {**kept, name: figures})
    print("| | frame AUC | 95 % | video AUC | 95 % |\n|---|---|---|---|---|")
    for key, row in figures.items():
        cells = [
            f"{row[level]:.3f} | {row[f'{level}_low']:.3f}–{row[f'{level}_high']:.3f}"
            for level in ("frame", "video")
        ]
        print(f"| {key} | {' | '.join(cells)} |")


def _figures(name: str, candidate: str, folder: Path) -> dict[str, float]:
    """Return the figures of one configuration over all seeds."""
    runs = [_scored(name, candidate, seed, folder) for seed in SEEDS]
    groups = pd.concat(runs)["group"].nunique()
    figures = {"groups": float(groups)}
    for level, tables in (("frame", runs), ("video", [video_scores(run) for run in runs])):
        mean = float(np.mean([auc(t["label"], t["score"]) or np.nan for t in tables]))
        ranked = pd.concat(t.assign(score=t["score"].rank(pct=True)) for t in tables)
        drawn = [
            auc_statistic(ranked, ranked["score"])(w) for w in draws(ranked["group"], 2000, seed=0)
        ]
        interval = interval_of_rate(mean, np.concatenate(drawn), groups)
        figures |= {level: mean, f"{level}_low": interval.low, f"{level}_high": interval.high}
    print(f"{name}: {figures}", file=sys.stderr, flush=True)
    return figures


def _scored(name: str, candidate: str, seed: int, folder: Path) -> pd.DataFrame:
    """Train one configuration with one seed; return the table of test crops with their scores."""
    protocol = {"protocol": "frame"} if "leaky" in name else {}
    split = load_section(SplitParams).model_copy(update={"seed": seed, **protocol})
    params = load_candidate(candidate).model_copy(update={**CONFIGURATIONS[name], "seed": seed})
    table = read_crops_table(FACES)
    images = open_store(FACES, table, folder / "packed")
    parted = assign_parts(table, make_split(read_index(INDEX), split), split)
    margin = load_section(FacesParams).margin
    train, validation, test = (
        crops_of_part(images, parted, part, margin) for part in ("train", "validation", "test")
    )
    checkpoint = Checkpoint.of(folder / "state.npz", params, train, validation)
    callbacks = Callbacks(lambda record: None, lambda step, steps: None)
    network = build_network(candidate, params)
    fitted = fit(network, train, validation, params, choose_setup(params), checkpoint, callbacks)
    scores = [fake_scores(fitted.model, chunk) for chunk in test.chunks(params.input_size)]
    return test.table.assign(score=np.concatenate(scores))


if __name__ == "__main__":
    main(*sys.argv[1:])
