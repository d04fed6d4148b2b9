"""``python -m benchmarks.ablation NAME CANDIDATE``: what each part of training is worth.

Run it in a project whose stages up to ``faces`` have run. Every rung adds one thing to the one
before and is otherwise the candidate as ``params.yaml`` has it; each is trained with three seeds of
split, order and weights on the same crops. Results go to ``benchmarks/ablation.json`` under NAME,
and a table to standard output.

AUCs are means over the seeds. Their 95 % intervals come from resampling whole groups; scores are
ranked within each run before runs are pooled, since only their order counts.
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
RUNGS: dict[str, dict[str, Any]] = {
    "plain": PLAIN,
    "+ class balance": {**PLAIN, "sampling": "balanced"},
    "+ pairing": {**PLAIN, "sampling": "paired"},
    "+ augmentation": {**PLAIN, "sampling": "paired", "augment": True},
    "+ self-blended": {"sampling": "paired", "augment": True, "self_blended": 0.5},
    "self-blended alone": {"sampling": "paired", "augment": True, "self_blended": 1.0},
    "plain, split by frame (leaky)": PLAIN,
}


def main(name: str, candidate: str) -> None:
    """Run all rungs and keep their figures."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        figures = {rung: _rung(rung, candidate, Path(folder)) for rung in RUNGS}
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    write_json(RESULTS, {**kept, name: figures})
    print("| | frame AUC | 95 % | video AUC | 95 % |\n|---|---|---|---|---|")
    for rung, row in figures.items():
        cells = [
            f"{row[level]:.3f} | {row[f'{level}_low']:.3f}–{row[f'{level}_high']:.3f}"
            for level in ("frame", "video")
        ]
        print(f"| {rung} | {' | '.join(cells)} |")


def _rung(rung: str, candidate: str, folder: Path) -> dict[str, float]:
    runs = [_scored(rung, candidate, seed, folder) for seed in SEEDS]
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
    print(f"{rung}: {figures}", file=sys.stderr, flush=True)
    return figures


def _scored(rung: str, candidate: str, seed: int, folder: Path) -> pd.DataFrame:
    """Train once; return the test crops with their scores."""
    protocol = {"protocol": "frame"} if "leaky" in rung else {}
    split = load_section(SplitParams).model_copy(update={"seed": seed, **protocol})
    params = load_candidate(candidate).model_copy(update={**RUNGS[rung], "seed": seed})
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
