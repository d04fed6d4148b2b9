"""Fixtures of the tests of training."""

from collections.abc import Callable

import pytest

from dfd.params.training import CandidateParams
from dfd.train.feed.crops import Crops
from tests.train.runs import SMALL, synthetic_crops


@pytest.fixture(scope="session")
def crops() -> Callable[..., Crops]:
    """Return ``synthetic_crops``."""
    return synthetic_crops


@pytest.fixture(scope="session")
def params() -> CandidateParams:
    """Return the parameters of a small candidate."""
    return SMALL
