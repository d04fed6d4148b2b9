from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dfd.audit import people as audit_people
from dfd.audit.people import check_people
from dfd.faces.reader import CROPS

TABLE = pd.DataFrame({"video": ["a"], "group": ["a"], "part": ["train"]})


def test_what_it_needs_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "dvc repro faces" in str(check_people(TABLE, tmp_path).omitted)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / CROPS).touch()
    assert "weights are not kept" in str(check_people(TABLE, tmp_path).omitted)


@pytest.mark.parametrize("block", [2, 2048])
def test_alike_faces_of_other_groups_and_parts_are_found_once(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_people, "_BLOCK", block)
    person = np.eye(4, dtype=np.float32)[[0, 0, 1, 1, 2, 2, 0]]
    people = pd.DataFrame(
        {
            "group": ["a", "b", "c", "c", "e", "f", "g"],
            "part": ["train", "test", "train", "test", "train", "train", "test"],
        }
    )
    found = sorted(audit_people._alike(person, people))
    assert found == [(0, 1, 1.0), (6, 0, 1.0)]
