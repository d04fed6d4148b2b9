import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from dfd.errors import FacesError
from dfd.faces.check import check_faces
from dfd.faces.extract import extract_faces
from dfd.faces.reader import CROPS, MANIFEST
from dfd.faces.record import VideoFaces, no_crops
from dfd.faces.shards import shard_of, write_faces
from tests.clip_fixtures import face_params, find_squares

GROUPS = {"a.mp4": "one", "b.mp4": "two", "lost.mp4": "three"}


@pytest.fixture
def folder(tmp_path: Path, squares_clip: Path) -> Path:
    found = extract_faces(squares_clip, face_params(), find_squares)
    results: dict[str, VideoFaces] = dict.fromkeys(GROUPS, found)
    results["lost.mp4"] = no_crops("unreadable", "empty")
    table = pd.DataFrame({"video": list(GROUPS), "group": list(GROUPS.values())})
    table[["label", "method", "dataset"]] = None
    table["synthetic"] = False
    write_faces(tmp_path / "faces", table, results.__getitem__, shards=2)
    return tmp_path / "faces"


def problems(folder: Path, deep: bool = False) -> list[str]:
    return list(check_faces(folder, deep))


def shard(folder: Path, video: str = "a.mp4") -> Path:
    return folder / f"shard-{shard_of(GROUPS[video], 2):05d}.tar"


def rewrite(path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Write a shard again with its members changed."""
    with tarfile.open(path) as archive:
        members = {
            header.name: archive.extractfile(header).read()  # type: ignore[union-attr]
            for header in archive
        }
    change(members)
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))


@pytest.mark.parametrize("deep", [False, True])
def test_what_was_written_is_right(folder: Path, deep: bool) -> None:
    checked: list[int] = []
    assert list(check_faces(folder, deep, lambda: checked.append(1))) == []
    assert len(checked) == (len(pd.read_parquet(folder / CROPS)) if deep else 0)


def test_a_flipped_bit_in_a_crop_is_found_by_reading_it(folder: Path) -> None:
    def damage(members: dict[str, bytes]) -> None:
        name = next(iter(members))
        content = bytearray(members[name])
        content[len(content) // 2] ^= 4
        members[name] = bytes(content)

    rewrite(shard(folder), damage)
    assert problems(folder) == []
    (problem,) = problems(folder, deep=True)
    assert "is not what was written" in problem


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda members: members.pop(next(iter(members))), "lacks"),
        (lambda members: members.update({"x.jpg": b""}), "which no row names"),
    ],
)
def test_a_member_less_or_more_is_found(
    folder: Path, change: Callable[[dict[str, bytes]], None], told: str
) -> None:
    rewrite(shard(folder), change)
    (problem,) = problems(folder)
    assert told in problem


def test_a_shard_missing_or_cut_off_is_found(folder: Path) -> None:
    whole = shard(folder).read_bytes()
    shard(folder).write_bytes(whole[: len(whole) // 2])
    assert problems(folder)
    shard(folder).unlink()
    assert problems(folder) == [f"{shard(folder).name}: is missing"]


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("crops", 1, "1 crops in the manifest"),
        ("kept", 1, "1 frames kept"),
        ("asked", 3, "decoded 8 of asked 3"),
        ("asked", None, "decoded 8 of asked nan"),
        ("frames", 3, "asked 8 of frames 3"),
        ("tracks", 7, "7 tracks, crops of 2 listed"),
        ("shard", "shard-00007.tar", "shard-00007.tar in the manifest"),
        ("reason", "no_face", "reason 'no_face' with"),
    ],
)
def test_a_wrong_row_of_the_manifest_is_found(
    folder: Path, column: str, value: object, told: str
) -> None:
    manifest = pd.read_parquet(folder / MANIFEST)
    manifest.loc[manifest["video"] == "a.mp4", column] = value
    manifest.to_parquet(folder / MANIFEST)
    found = problems(folder)
    assert any(told in problem and "'a.mp4'" in problem for problem in found)


def test_a_crop_listed_twice_is_found(folder: Path) -> None:
    crops = pd.read_parquet(folder / CROPS)
    pd.concat([crops, crops.head(1)]).to_parquet(folder / CROPS)
    manifest = pd.read_parquet(folder / MANIFEST)
    manifest.loc[manifest["video"] == crops["video"][0], "crops"] += 1
    manifest.to_parquet(folder / MANIFEST)
    assert problems(folder) == [f"{crops['member'][0]!r}: has several rows in {CROPS}"]


@pytest.mark.parametrize("deep", [False, True])
def test_a_member_that_is_no_file_is_found(folder: Path, deep: bool) -> None:
    with tarfile.open(shard(folder)) as archive:
        names = archive.getnames()
    with tarfile.open(shard(folder), "w") as archive:
        for name in names:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
            archive.addfile(link)
    found = problems(folder, deep)
    assert len(found) == len(names)
    assert all("is not a file" in problem for problem in found)


@pytest.mark.parametrize(("table", "column"), [(CROPS, "crc32"), (MANIFEST, "tracks")])
def test_tables_of_another_version_are_an_error(folder: Path, table: str, column: str) -> None:
    pd.read_parquet(folder / table).drop(columns=column).to_parquet(folder / table)
    with pytest.raises(FacesError, match=f"{table}: lacks the column {column}.*dvc repro"):
        problems(folder)


def test_a_video_without_or_with_two_rows_is_found(folder: Path) -> None:
    manifest = pd.read_parquet(folder / MANIFEST)
    manifest[manifest["video"] != "a.mp4"].to_parquet(folder / MANIFEST)
    assert any("no row in the manifest" in problem for problem in problems(folder))
    pd.concat([manifest, manifest.head(1)]).to_parquet(folder / MANIFEST)
    assert any("several rows" in problem for problem in problems(folder))


def test_tables_that_are_gone_are_an_error(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    with pytest.raises(FacesError, match=r"manifest\.parquet: missing or damaged"):
        problems(folder)
