"""Checking the output of the stage ``faces``: whether the shards hold what the tables list."""

import tarfile
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from dfd.errors import FacesError
from dfd.faces.reader import CROPS, MANIFEST, read_crops_table, read_manifest

_DESCENDING = ("frames", "asked", "decoded", "with_face", "kept")
_REQUIRED_COLUMNS = {
    MANIFEST: ("video", "shard", *_DESCENDING, "tracks", "crops", "reason"),
    CROPS: ("video", "frame", "track", "shard", "member", "crc32"),
}


def check_faces(
    folder: Path, deep: bool, checked: Callable[[], None] = lambda: None
) -> Iterator[str]:
    """Yield every mismatch between the tables and the shards, as one line of text each.

    Args:
        folder: The output folder of the stage ``faces``.
        deep: Whether to read every crop too: its bytes must have the listed checksum and be an
            image of the same size as all others. Without it, only the names in the shards are read.
        checked: Callback that is called after each crop that was read.

    Raises:
        FacesError: A table is missing, damaged or of another version.
    """
    manifest, crops = read_manifest(folder), read_crops_table(folder)
    for table, name in ((manifest, MANIFEST), (crops, CROPS)):
        for column in _REQUIRED_COLUMNS[name]:
            if column not in table:
                raise FacesError(
                    f"{folder / name}: lacks the column {column}, so another version wrote it; "
                    "run `dvc repro faces`"
                )
    yield from _check_manifest(manifest, crops)
    yield from _check_crops_table(manifest, crops)
    shards = set(map(str, manifest["shard"]))
    present = {path.name for path in folder.glob("shard-*.tar")}
    yield from (f"{name}: is missing" for name in sorted(shards - present))
    sizes: dict[tuple[int, ...], str] = {}
    for name in sorted(present):
        rows = crops[crops["shard"] == name]
        try:
            yield from _check_shard(folder / name, rows, deep, checked, sizes)
        except (OSError, tarfile.TarError) as error:
            yield f"{name}: cannot be read ({error})"
    if len(sizes) > 1:
        examples = ", ".join(f"{member} {shape}" for shape, member in sizes.items())
        yield f"crops differ in size: {examples}"


def _check_manifest(manifest: pd.DataFrame, crops: pd.DataFrame) -> Iterator[str]:
    for video in manifest["video"][manifest["video"].duplicated()].unique():
        yield f"{video!r}: has several rows in the manifest"
    listed = crops.groupby("video").size()
    frames = crops.groupby("video")["frame"].nunique()
    tracks = crops.groupby("video")["track"].nunique()
    for video in sorted(set(listed.index) - set(manifest["video"])):
        yield f"{video!r}: has crops but no row in the manifest"
    for row in manifest.to_dict("records"):
        video = row["video"]
        if row["crops"] != listed.get(video, 0):
            yield f"{video!r}: {row['crops']} crops in the manifest, {listed.get(video, 0)} listed"
        if row["kept"] != frames.get(video, 0):
            yield f"{video!r}: {row['kept']} frames kept, crops of {frames.get(video, 0)} listed"
        if row["tracks"] != tracks.get(video, 0):
            yield f"{video!r}: {row['tracks']} tracks, crops of {tracks.get(video, 0)} listed"
        if pd.isna(row["reason"]) != (row["crops"] > 0):
            yield f"{video!r}: reason {row['reason']!r} with {row['crops']} crops"
        for more, fewer in pairwise(_DESCENDING):
            if not row[more] >= row[fewer] >= 0:  # this is also true of a missing value
                yield f"{video!r}: {fewer} {row[fewer]} of {more} {row[more]}"


def _check_crops_table(manifest: pd.DataFrame, crops: pd.DataFrame) -> Iterator[str]:
    for member in crops["member"][crops["member"].duplicated()].unique():
        yield f"{member!r}: has several rows in {CROPS}"
    shard_of = dict(zip(manifest["video"], map(str, manifest["shard"]), strict=True))
    for video, shard in sorted(set(zip(crops["video"], map(str, crops["shard"]), strict=True))):
        if shard_of.get(video, shard) != shard:
            yield f"{video!r}: crops in {shard}, {shard_of[video]} in the manifest"


def _check_shard(
    shard: Path,
    rows: pd.DataFrame,
    deep: bool,
    checked: Callable[[], None],
    sizes: dict[tuple[int, ...], str],
) -> Iterator[str]:
    expected = dict(zip(rows["member"], rows["crc32"], strict=True))
    members: set[str] = set()
    with tarfile.open(shard, "r:") as archive:
        for header in archive:
            member = header.name
            if member not in expected:
                yield f"{shard.name}: holds {member!r}, which no row names"
                continue
            if member in members:
                yield f"{shard.name}: holds {member!r} twice"
            members.add(member)
            if not header.isreg():
                yield f"{shard.name}: {member!r} is not a file"
            elif deep:
                content = archive.extractfile(header)
                jpeg = content.read() if content else b""
                yield from _check_crop(shard, member, jpeg, expected[member], sizes)
                checked()
    yield from (f"{shard.name}: lacks {member!r}" for member in sorted(expected.keys() - members))


def _check_crop(
    shard: Path, member: str, jpeg: bytes, crc32: int, sizes: dict[tuple[int, ...], str]
) -> Iterator[str]:
    if zlib.crc32(jpeg) != crc32:
        yield f"{shard.name}: {member!r} is not what was written"
        return
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        yield f"{shard.name}: {member!r} is not an image"
        return
    sizes.setdefault(image.shape[:2], member)
