import numpy as np
import pytest

from dfd.split import people
from dfd.split.people import SAME_PERSON, cluster_people

RNG = np.random.default_rng(0)


def faces_of(persons: np.ndarray, noise: float) -> np.ndarray:
    """Return one embedding of each named person, with noise, of length 1."""
    centres = RNG.standard_normal((persons.max() + 1, 128))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    vectors = centres[persons] + noise * RNG.standard_normal((len(persons), 128)) / np.sqrt(128)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("block", [7, 2048])
def test_every_planted_person_is_one_cluster(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "_BLOCK", block)
    persons = RNG.integers(0, 30, 150)
    found = cluster_people(faces_of(persons, noise=0.6))
    assert len({*zip(persons, found, strict=True)}) == len(set(found)) == len(set(persons))


def test_people_who_resemble_each_other_in_a_row_do_not_become_one() -> None:
    angles = np.arange(40) * np.arccos(SAME_PERSON + 0.2) / 2  # each like the next ones alone
    row = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found = cluster_people(row[:20])
    assert len(set(found)) > 3
    for person in set(found):
        members = row[:20][found == person]
        assert (members @ members.T).min() > 0


def test_one_face_and_none_are_people_too() -> None:
    assert cluster_people(np.ones((1, 1), np.float32)).tolist() == [0]
    assert cluster_people(np.empty((0, 4), np.float32)).tolist() == []
