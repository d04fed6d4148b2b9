"""How often the gate promotes detectors that are no better, in simulated worlds.

A world draws the log-odds that two or more detectors give the same videos. Part of the noise is the
group's and the video's, and all detectors share it; the rest is each detector's own. Every detector
is perfectly calibrated for some mix of REAL and FAKE.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from dfd.register.gate import rule
from dfd.scoring.aggregate import log_odds, probability

_SHARED, _OWN = 0.6, 0.4  # of the variance: half of what is shared is the group's
_RESAMPLES = 200
_RUNS, _TURNS = 400, 20
TARGETS = {"equal": 0.05, "worse": 0.02, "twenty in turn": 0.10}


@dataclass(frozen=True)
class World:
    """Test videos, and two kinds of detector that judge them.

    Attributes:
        champion: AUC of the champion, 0.5..1.
        challenger: AUC of each challenger, 0.5..1.
        groups: Number of groups; each has a REAL video and ``fakes`` FAKE ones.
        fakes: Number of FAKE videos of each group.
        calibrated_on: Share of FAKE, between 0 and 1, in the videos that the champion was
            calibrated on. The challengers were calibrated on the share of the test videos.
    """

    champion: float
    challenger: float
    groups: int = 100
    fakes: int = 3
    calibrated_on: float = 0.75

    def videos(self, rng: np.random.Generator, challengers: int) -> list[pd.DataFrame]:
        """Return, for each challenger, the same videos with its scores beside the champion's."""
        size = 1 + self.fakes
        count = self.groups * size
        group = np.repeat(np.arange(self.groups), size)
        fake = np.tile(np.arange(size) > 0, self.groups)
        common = rng.normal(size=self.groups)[group] + rng.normal(size=count)
        table = pd.DataFrame({"group": group.astype(str), "label": np.where(fake, "FAKE", "REAL")})

        def scores(auc: float, fake_share: float) -> "pd.Series[float]":
            apart = norm.ppf(auc) * np.sqrt(2)  # between classes of variance 1
            noise = np.sqrt(_SHARED / 2) * common + np.sqrt(_OWN) * rng.normal(size=count)
            odds = apart * (noise + apart * (fake - 0.5)) + log_odds(fake_share)
            return pd.Series(probability(odds))

        champion = scores(self.champion, self.calibrated_on)
        return [
            table.assign(champion=champion, challenger=scores(self.challenger, self.fakes / size))
            for _ in range(challengers)
        ]


def promoted(world: World, runs: int, challengers: int = 1, first: int = 1) -> float:
    """Return the share of runs in which a challenger is promoted, 0..1.

    Args:
        world: The world.
        runs: Number of runs.
        challengers: Number of challengers that are ruled on in turn in each run.
        first: Number of the first challenger's ruling on the test part.

    Example:
        >>> promoted(World(champion=0.9, challenger=0.6), runs=3)
        0.0
    """
    rng = np.random.default_rng(1)
    return float(np.mean([_anyone(world, rng, challengers, first) for _ in range(runs)]))


def _anyone(world: World, rng: np.random.Generator, challengers: int, first: int) -> bool:
    tables = world.videos(rng, challengers)
    return any(
        rule(table, number, _RESAMPLES, seed=1).outcome == "promote"
        for number, table in enumerate(tables, start=first)
    )


def _worlds() -> Iterator[tuple[str, World]]:
    for groups in (12, 25, 100):
        for auc in (0.75, 0.9, 0.97):
            yield "equal", World(auc, auc, groups)
            yield "worse", World(auc, auc - 0.02, groups)
    for mix in (0.05, 0.5, 0.95):
        yield "equal", World(0.9, 0.9, calibrated_on=mix)
        yield "worse", World(0.9, 0.88, calibrated_on=mix)
    yield "twenty in turn", World(0.9, 0.9, 25)
    yield "twenty in turn", World(0.9, 0.9, 100)
    for groups in (25, 100, 400):
        yield "better", World(0.85, 0.9, groups)


def gate(folder: Path) -> dict[str, float]:
    """Simulate every world, and print the table."""
    rows = []
    for kind, world in _worlds():
        turns = _TURNS if kind == "twenty in turn" else 1
        share = promoted(world, _RUNS // 2 if turns > 1 else _RUNS, turns)
        rows.append({"kind": kind, **vars(world), "promoted": share})
    table = pd.DataFrame(rows)
    print(table.to_csv(index=False), file=sys.stderr)
    worst = table.groupby("kind")["promoted"].max()
    return {f"gate.{kind.replace(' ', '_')}": float(worst[kind]) for kind in TARGETS}
