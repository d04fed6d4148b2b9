import json
from pathlib import Path
from typing import Any

import pytest

from flows.pipeline.made import described
from tasks.pipeline import StageRun


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: str, content: dict[str, Any]) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(content))


def ran(stage: str, outcome: str = "ran") -> str:
    return described(StageRun(stage, outcome, 1.0))


def test_a_training_tells_its_best_epoch_and_whether_it_leaks() -> None:
    made = {"epochs": 28, "best_epoch": 11, "validation_video": {"auc": 0.9375}, "leaky": False}
    write("metrics/small/train.json", made)
    assert ran("train@small") == "28 epochs, validation AUC 0.938 (best: epoch 11)"
    restored = ran("train@small", "restored")
    assert restored.startswith("restored from the cache: 28 epochs, ")
    write("metrics/small/train.json", {**made, "leaky": True})
    assert ran("train@small").endswith("(LEAKY)")


def test_an_evaluation_without_an_auc_says_so() -> None:
    write("metrics/a/evaluation.json", {"video": {"auc": None}, "videos": 1, "leaky": False})
    assert ran("evaluate@a") == "video AUC — on 1 test video"


def test_a_split_tells_its_parts_and_what_the_audit_found() -> None:
    parts = {"train": {"videos": 1200}, "test": {"videos": 24}}
    split = {"parts": parts, "leaky": False, "audit": {"warnings": 0}}
    write("metrics/split.json", split)
    assert ran("split") == "train 1,200, test 24 videos; no leak found"
    write("metrics/split.json", {**split, "audit": {"warnings": 2}})
    assert ran("split").endswith("; 2 warnings, see metrics/split.html")
    write("metrics/split.json", {**split, "leaky": True})
    assert ran("split") == "train 1,200, test 24 videos (LEAKY)"


def test_a_registration_tells_the_versions_and_who_leads() -> None:
    candidates = {"small": {"version": 2}, "other": {"version": 3}}
    write("metrics/registration.json", {"champion": 2, "candidates": candidates})
    assert ran("register") == "small is version 2 champion, other is version 3"


def test_nothing_is_read_of_a_stage_that_did_not_run_or_is_not_known() -> None:
    assert ran("train@small", "unchanged") == "unchanged"
    assert ran("publish") == ""
