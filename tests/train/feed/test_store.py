from pathlib import Path

import numpy as np
import psutil
import pytest

from dfd.errors import FacesError, TrainError
from dfd.faces.reader import read_crops, read_crops_table
from dfd.train.feed.store import open_store, take
from tests.faces.test_reader import write_drawn_faces


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_drawn_faces(tmp_path / "faces")


def test_the_store_holds_what_the_shards_hold(folder: Path, tmp_path: Path) -> None:
    table = read_crops_table(folder)
    images = open_store(folder, table, tmp_path / "packed")
    assert not images.flags.writeable
    rows = np.array([5, 0, 17, 5])
    np.testing.assert_array_equal(take(images, rows), read_crops(folder, table.iloc[rows]))


def test_a_second_time_reads_what_is_there(folder: Path, tmp_path: Path) -> None:
    table, store = read_crops_table(folder), tmp_path / "packed"
    first = np.array(open_store(folder, table, store))
    for shard in folder.glob("*.tar"):
        shard.unlink()
    np.testing.assert_array_equal(open_store(folder, table, store), first)
    assert len(list(store.iterdir())) == 1


def test_other_crops_have_another_store_and_the_old_one_goes(folder: Path, tmp_path: Path) -> None:
    table, store = read_crops_table(folder), tmp_path / "packed"
    open_store(folder, table, store)
    (old,) = store.iterdir()
    fewer = table.iloc[:4]
    fewer.to_parquet(folder / "crops.parquet")
    assert len(open_store(folder, fewer, store)) == 4
    assert list(store.iterdir()) != [old]
    assert len(list(store.iterdir())) == 1


def test_shards_that_are_not_the_table_s_are_named(folder: Path, tmp_path: Path) -> None:
    table = read_crops_table(folder)
    with pytest.raises(FacesError, match="is not the crop its table names; run `dvc repro faces`"):
        open_store(folder, table.assign(crc32=table["crc32"] ^ 1), tmp_path / "packed")
    assert not list((tmp_path / "packed").iterdir())  # no half store stays
    with pytest.raises(FacesError, match="no crops were asked for"):
        open_store(folder, table.iloc[:0], tmp_path / "packed")


def test_a_disk_that_cannot_take_it_is_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "packed").write_text("a file where the folder should be")
    with pytest.raises(TrainError, match=r"packed/.*npy: cannot be written \(.*make room"):
        open_store(folder, read_crops_table(folder), tmp_path / "packed")


def test_a_store_that_breaks_off_is_named(folder: Path, tmp_path: Path) -> None:
    table, store = read_crops_table(folder), tmp_path / "packed"
    open_store(folder, table, store)
    (path,) = store.iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TrainError, match=r"npy: damaged \(.*\); remove it"):
        open_store(folder, table, store)


def test_reading_all_of_it_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.npy"
    np.save(path, np.ones((3000, 200, 200, 3), np.uint8))  # 360 MB
    images = np.load(path, mmap_mode="r")
    process = psutil.Process()
    before, most = process.memory_info().rss, 0
    for start in range(0, 3000, 100):
        assert take(images, np.arange(start, start + 100)).all()
        most = max(most, process.memory_info().rss)
    assert most - before < 100 * 2**20
