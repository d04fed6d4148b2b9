"""Who leads the registry, on real SQLite and in several processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dfd.errors import RegistryError, TrackingError
from tasks.registry import (
    CHALLENGER,
    CHAMPION,
    DECISION,
    MOVED,
    OVER,
    TEST_PART,
    Registry,
    locked_registry,
    open_registry,
)
from tests.stores import new_store

MODEL = "detector"
ROOT = Path(__file__).parents[2]
RACE = """
import sys, time
from pathlib import Path
from tasks.registry import connect, locked_registry
version = sys.argv[1]
connect()  # imports MLflow
Path(version).touch()
while not Path("go").exists():
    time.sleep(0.01)
with locked_registry("detector") as registry:
    seen = registry.champion()
    time.sleep(0.5)  # as long as a comparison may take
    registry.lead(registry.version(version), f"over {seen.version if seen else None}")
"""


@pytest.fixture
def registry(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Registry]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", new_store(tmp_path_factory, tmp_path))
    with open_registry(MODEL) as opened:
        yield opened


def add(registry: Registry, count: int) -> None:
    for _ in range(count):
        registry.client.create_model_version(MODEL, "file:///nowhere")


def test_rulings_on_other_versions_by_the_same_test_part_are_counted(registry: Registry) -> None:
    add(registry, 4)
    for number, part in (("1", "a"), ("2", "b"), ("3", "a"), ("4", "a")):
        registry.client.set_model_version_tag(MODEL, number, TEST_PART, part)
    for number in ("1", "2", "4"):
        registry.client.set_model_version_tag(MODEL, number, DECISION, "{}")
    assert [registry.rulings_before(registry.version(n)) for n in ("1", "2", "3", "4")] == [
        *(1, 0, 2, 1)
    ]


def test_the_lead_passes_on_and_back(registry: Registry) -> None:
    add(registry, 3)
    for number in ("1", "2", "3"):
        registry.lead(registry.version(number), "why not")
    assert registry.aliases() == {CHAMPION: 3, CHALLENGER: 2}
    assert registry.version("3").tags[OVER] == "2"
    assert registry.version("3").tags[MOVED].endswith("why not")
    registry.roll_back()
    assert registry.aliases() == {CHAMPION: 2, CHALLENGER: 3}
    assert "rolled back to version 2" in registry.version("3").tags[MOVED]
    registry.roll_back()
    assert registry.aliases()[CHAMPION] == 1
    with pytest.raises(RegistryError, match="version 1: took over from no other"):
        registry.roll_back()


def test_a_challenger_that_leads_no_longer_challenges(registry: Registry) -> None:
    add(registry, 1)
    registry.client.set_registered_model_alias(MODEL, CHALLENGER, "1")
    registry.lead(registry.version(CHALLENGER), "first")
    assert registry.aliases() == {CHAMPION: 1}
    with pytest.raises(RegistryError, match="is the champion already"):
        registry.lead(registry.version("1"), "again")


def test_a_version_is_found_by_number_or_alias_or_named_as_missing(registry: Registry) -> None:
    add(registry, 2)
    registry.lead(registry.version("2"), "first")
    assert registry.version(CHAMPION).version == registry.version("2").version
    with pytest.raises(RegistryError, match=r"no version '7'; there are 1, 2, champion"):
        registry.version("7")


def test_a_file_that_is_gone_is_named(registry: Registry) -> None:
    add(registry, 1)
    with pytest.raises(RegistryError, match="version 1: its predictions is gone"):
        registry.file(registry.version("1"), "predictions")


def test_two_promotions_at_once_leave_one_champion_and_a_truthful_record(
    registry: Registry, tmp_path: Path
) -> None:
    add(registry, 2)
    racing = [
        subprocess.Popen([sys.executable, "-c", RACE, number], cwd=tmp_path, env=_env())
        for number in ("1", "2")
    ]
    while not all((tmp_path / number).exists() for number in ("1", "2")):
        assert all(process.poll() is None for process in racing)
        time.sleep(0.05)
    (tmp_path / "go").touch()
    assert [process.wait(120) for process in racing] == [0, 0]
    aliases = registry.aliases()
    last, first = aliases[CHAMPION], aliases[CHALLENGER]
    assert {last, first} == {1, 2}
    assert registry.version(str(first)).tags[MOVED].endswith("over None")
    assert registry.version(str(last)).tags[MOVED].endswith(f"over {first}")
    assert registry.version(str(last)).tags[OVER] == str(first)


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_a_registry_that_is_held_is_one_line(registry: Registry, tmp_path: Path) -> None:
    add(registry, 1)
    with (
        locked_registry(MODEL),
        pytest.raises(RegistryError, match=r"registry\.lock: another process has held"),
        locked_registry(MODEL, patience_s=0.1),
    ):
        pass
    assert registry.aliases() == {}


def test_a_registry_that_cannot_be_reached_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.db").write_bytes(b"no database" * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/broken.db")
    refused = r"broken\.db: MLflow's store fails \(.*file is not a database"
    with pytest.raises(TrackingError, match=refused), open_registry(MODEL):
        pass
