from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dfd.audit import people as audit_people
from dfd.audit.people import People, check_people, join_people
from dfd.faces.reader import CROPS
from dfd.split.protocols import make_split
from tests.dataset.projects import PARAMS

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


def test_no_planted_person_is_in_two_parts_of_the_split_made_from_their_faces() -> None:
    rng = np.random.default_rng(1)
    centres = np.eye(40, dtype=np.float32)
    rows, faces = [], []
    for number in range(120):  # three clips of each of 40 people, and a fake of each
        person, donor = number % 40, rng.integers(40)
        for label, shown in (("REAL", person), ("FAKE", donor)):
            group = f"real{number:03}"
            rows.append((f"{label.lower()}{number:03}", group, label, None, person))
            faces.append(centres[shown] + 0.4 * rng.standard_normal(40) / np.sqrt(40))
    columns = ["video", "group", "label", "source", "person"]
    videos = pd.DataFrame(rows, columns=columns)
    vectors = np.array(faces, np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    joined = videos.assign(group=join_people(videos, People(videos, vectors)))
    assert joined["group"].nunique() == 40
    split = make_split(joined, PARAMS).merge(videos[["video", "person"]], on="video")
    assert (split.groupby("person")["part"].nunique() == 1).all()
    before = make_split(videos, PARAMS).merge(videos[["video", "person"]], on="video")
    assert (before.groupby("person")["part"].nunique() > 1).any()
