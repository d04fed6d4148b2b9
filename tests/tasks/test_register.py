"""A registration that is killed, on real SQLite and by real kills."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.data import ROOT


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return the record of an undisturbed registration's second run, then one after each kill."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.registrations", str(tmp_path_factory.mktemp("kills"))],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: list[dict[str, Any]] = json.loads(ended.stdout.splitlines()[-1])
    return found


def test_after_a_kill_at_any_write_the_same_is_registered(records: list[dict[str, Any]]) -> None:
    undisturbed, *after_kills = records
    assert undisturbed["outcome"] == "promote"
    assert undisturbed["number"] == 2, "the same test part has ruled on the first version too"
    newest, first = undisturbed["described"]
    assert newest.startswith("# card\n")
    assert newest.count("ruling number 2 by the same test part") == 1
    assert "ruling number 1 by the same test part" in first
    assert undisturbed["reasons"], "a second run says again why"
    assert (undisturbed["champion"], undisturbed["challenger"]) == (2, 1)
    assert len(after_kills) > 5, "it was killed at every write"
    for number, record in enumerate(after_kills, start=1):
        assert record == undisturbed, f"killed after write {number}"
