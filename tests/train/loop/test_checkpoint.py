import resource
from dataclasses import make_dataclass
from pathlib import Path

import keras
import numpy as np
import pytest

from dfd.errors import TrainError
from dfd.train.loop import checkpoint
from dfd.train.loop.checkpoint import Checkpoint, State, values_of
from dfd.train.loop.history import EpochRecord

RECORD = EpochRecord(
    "full", 1, 0.5, 0.6, 0.7, 0.8, 0.4, 0.9, 0.8, 0.7, learning_rate=0.001, seconds=1.5,
    images_per_second=20.0, waiting=0.01, memory_mb=900.0,
)  # fmt: skip
STATE = State((RECORD,), [np.ones((2, 2))], [0.1, 1 / 3], [np.arange(3.0)], [np.array(7, np.int64)])


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    kept = Checkpoint(tmp_path / "deep" / "state.npz", "key")
    kept.save(STATE)
    loaded = kept.load()
    assert (loaded.history, loaded.scores) == (STATE.history, STATE.scores)
    for name in ("best", "network", "optimizer"):
        for value, expected in zip(getattr(loaded, name), getattr(STATE, name), strict=True):
            np.testing.assert_array_equal(value, expected)
            assert value.dtype == expected.dtype


def test_there_is_none_at_first_nor_for_another_run(tmp_path: Path) -> None:
    assert Checkpoint(tmp_path / "state.npz", "key").load().history == ()
    Checkpoint(tmp_path / "state.npz", "key").save(STATE)
    assert Checkpoint(tmp_path / "state.npz", "other").load() == State((), [], [], [], [])


def test_a_run_is_known_by_parameters_and_crops(crops, params, tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    one, two = crops(2, seed=0), crops(2, seed=1)
    key = Checkpoint.of(path, params, one, two).key
    assert Checkpoint.of(path, params, crops(2, seed=0), two).key == key
    assert Checkpoint.of(path, params, one, one).key != key
    for change in ({"epochs": 99}, {"seed": 99}):
        assert Checkpoint.of(path, params.model_copy(update=change), one, two).key != key


@pytest.mark.parametrize("damage", [b"", b"not an archive", None])
def test_a_damaged_file_is_one_line(tmp_path: Path, damage: bytes | None) -> None:
    kept = Checkpoint(tmp_path / "state.npz", "key")
    kept.save(STATE)
    kept.path.write_bytes(kept.path.read_bytes()[:-200] if damage is None else damage)
    with pytest.raises(
        TrainError, match=r"state.npz: damaged, or of another version of dfd \(.*\); remove it, and"
    ):
        kept.load()


def test_a_state_of_another_version_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Checkpoint(tmp_path / "state.npz", "key")
    kept.save(STATE)
    later = make_dataclass(
        "EpochRecord", ["novel"], bases=(EpochRecord,), kw_only=True, frozen=True
    )
    monkeypatch.setattr(checkpoint, "EpochRecord", later)
    with pytest.raises(TrainError, match=r"of another version of dfd \(.*novel.*\); remove it"):
        kept.load()


def test_a_full_disk_keeps_the_state_before(tmp_path: Path) -> None:
    kept = Checkpoint(tmp_path / "state.npz", "key")
    kept.save(STATE)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))  # no room for a larger file
    try:
        with pytest.raises(
            TrainError, match=r"state.npz: .* cannot be kept .*epoch before is kept"
        ):
            kept.save(State((RECORD, RECORD), [np.ones(100_000)], [], [], []))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert kept.load().history == (RECORD,)
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]


def test_the_state_of_another_network_is_refused(tmp_path: Path) -> None:
    kept = Checkpoint(tmp_path / "state.npz", "key")
    small, large = (keras.Sequential([keras.Input((2,)), keras.layers.Dense(n)]) for n in (1, 3))
    before = values_of(large.variables)
    with pytest.raises(TrainError, match=r"state.npz: the state of another network .*remove it"):
        kept.restore(large.variables, values_of(small.variables))
    np.testing.assert_array_equal(large.variables[0], before[0])
    kept.restore(large.variables, before)
