"""How often the promise of a detector's verdicts is broken, in simulated worlds.

A world draws the log-odds of videos from a normal distribution for each class, and videos of a
group resemble each other. A decision is fitted to validation videos of the world. What share of its
verdicts is wrong, if one video in two is fake, is then known exactly.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from dfd.scoring.aggregate import probability
from dfd.scoring.calibration import fit_calibration
from dfd.scoring.decision import Calibration
from dfd.scoring.fitting import bands_of, promise_of
from dfd.scoring.metrics import Values

TARGETS = (0.05, 0.1, 0.2)
_RUNS = 300
_ALIKE = 0.3  # share of the variance that the videos of a group share


@dataclass(frozen=True)
class World:
    """What validation videos are like.

    Attributes:
        auc: AUC of the detector, 0.5..1.
        groups: Number of groups.
        size: Number of videos of each group.
        fake_share: Share of FAKE among the videos, 0..1.
    """

    auc: float
    groups: int
    size: int = 1
    fake_share: float = 0.5

    @property
    def distance(self) -> float:
        """How far apart the classes lie, in standard deviations of either."""
        return float(np.sqrt(2) * norm.ppf(self.auc))

    def videos(self, rng: np.random.Generator) -> tuple[list[str], Values, list[int]]:
        """Return labels, of which both are present, scores and groups of validation videos."""
        count = self.groups * self.size
        fake = np.zeros(count, bool)
        while not fake.any() or fake.all():
            fake = rng.random(count) < self.fake_share
        group = np.repeat(np.arange(self.groups), self.size)
        alike, own = rng.normal(size=self.groups)[group], rng.normal(size=count)
        odds = self.distance * (fake - 0.5) + np.sqrt(_ALIKE) * alike + np.sqrt(1 - _ALIKE) * own
        return np.where(fake, "FAKE", "REAL").tolist(), probability(odds), group.tolist()

    def outcome(self, calibration: Calibration, width: float | None) -> tuple[float, float]:
        """Return the true share of wrong verdicts, and of videos with a verdict, 0..1."""
        if width is None:
            return 0.0, 0.0
        low, high = (np.array([-width, width]) - calibration.bias) * calibration.temperature
        of_fake, of_real = norm(self.distance / 2), norm(-self.distance / 2)
        wrong = of_fake.cdf(low) + of_real.sf(high)
        right = of_fake.sf(high) + of_real.cdf(low)
        return float(wrong / (wrong + right)), float((wrong + right) / 2)


def simulate(world: World, targets: Sequence[float], runs: int, seed: int) -> pd.DataFrame:
    """Return how often promises are broken and made in a world.

    Args:
        world: The world.
        targets: The errors to promise.
        runs: Number of sets of validation videos.
        seed: Seed of the videos.

    Returns:
        One row per target: ``target``; ``broken``, the share of all runs in which more verdicts are
        wrong than promised; ``given``, the share of runs with verdicts; ``coverage``, the mean
        share of videos with a verdict in those runs.

    Example:
        >>> simulate(World(auc=0.97, groups=10), [0.05], runs=3, seed=0)
           target  broken  given  coverage
        0    0.05     0.0    0.0       0.0
    """
    rng = np.random.default_rng(seed)
    outcomes = []
    for _ in range(runs):
        labels, scores, groups = world.videos(rng)
        calibration, bands = fit_calibration(labels, scores), bands_of(labels, scores, groups)
        widths = [promise_of(bands, target)[0] for target in targets]
        outcomes.append([world.outcome(calibration, width) for width in widths])
    wrong, coverage = np.moveaxis(np.array(outcomes), 2, 0)
    given = coverage > 0
    return pd.DataFrame(
        {
            "target": targets,
            "broken": (wrong > targets).mean(axis=0),
            "given": given.mean(axis=0),
            "coverage": coverage.sum(axis=0) / np.maximum(given.sum(axis=0), 1),
        }
    )


def _worlds() -> Iterator[World]:
    """Yield detectors from poor to good, on few and many groups, with two mixes of the classes."""
    for auc, groups in product((0.75, 0.9, 0.97, 0.99), (10, 20, 50, 100, 400)):
        for size, fake_share in ((1, 0.5), (5, 0.5), (5, 0.8)):
            yield World(auc, groups, size, fake_share)


def promise(folder: Path) -> dict[str, float]:
    """Simulate every world at every target, and print the table."""
    tables = [simulate(world, TARGETS, _RUNS, seed=1).assign(**vars(world)) for world in _worlds()]
    table = pd.concat(tables)
    print(table.round(3).to_csv(index=False), file=sys.stderr)
    worst = table.groupby("target")["broken"].max()
    return {f"promise.broken_at_{target:.2f}": float(worst[target]) for target in TARGETS}
