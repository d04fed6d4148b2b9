"""The stage's output: crops in a fixed number of tar files beside two parquet tables.

Tar files follow the WebDataset convention, ``<video>/<frame>-<track>.jpg``. A video's shard is
chosen by its group, so that a change to one video touches one shard. Everything is a function of
the videos and their results, byte for byte.
"""

import hashlib
import io
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dfd.errors import FacesError
from dfd.faces.reader import BOX_COLUMNS, CROPS, LANDMARK_COLUMNS, MANIFEST
from dfd.faces.record import Crop, VideoFaces
from dfd.files import UNFINISHED, replacing

_GIVEN = ("video", "label", "group", "method", "dataset")
_COUNTS = ("frames", "asked", "decoded", "with_face", "kept", "tracks", "crops")
_MANIFEST_SCHEMA = pa.schema(
    [(name, pa.string()) for name in (*_GIVEN, "shard")]
    + [(name, pa.int64()) for name in _COUNTS]
    + [(name, pa.string()) for name in ("reason", "detail")]
)
_CROPS_SCHEMA = pa.schema(
    [
        ("video", pa.string()),
        ("frame", pa.int64()),
        ("time_s", pa.float64()),
        ("track", pa.int64()),
        ("shard", pa.string()),
        ("member", pa.string()),
        *((name, pa.float64()) for name in (*BOX_COLUMNS, *LANDMARK_COLUMNS)),
        ("score", pa.float64()),
        ("sharpness", pa.float64()),
        ("crc32", pa.int64()),  # of the JPEG file, to know damage
    ]
)


def shard_of(group: str, shards: int) -> int:
    """Return the number, from 0, of the shard that holds a group's crops."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") % shards


def shard_name(number: int) -> str:
    """Return the file name of a shard."""
    return f"shard-{number:05d}.tar"


def write_faces(
    folder: Path,
    videos: pd.DataFrame,
    faces_of: Callable[[str], VideoFaces],
    shards: int,
) -> None:
    """Write the shards, ``manifest.parquet`` and ``crops.parquet``; remove what other runs left.

    Args:
        folder: The stage's output, made when absent.
        videos: One row per video: ``video`` (unique), ``label``, ``group``, ``method``,
            ``dataset``; label and method may be missing values.
        faces_of: Returns the result of a video; asked once for each, one shard after another, so
            that only one result need be in memory.
        shards: Number of tar files; those without a video are written empty.

    The manifest has one row per video, by ``video``; the crops table one per crop, by shard,
    ``video``, ``frame`` and ``track``. Boxes and landmarks are in pixels of the upright frame.

    Raises:
        FacesError: The folder cannot be written.
    """
    try:
        _write(folder, videos, faces_of, shards)
    except OSError as error:
        raise FacesError(
            f"{folder}: cannot be written ({error.strerror}); make room or give rights, then run "
            "again: what is extracted stays"
        ) from error


def _write(
    folder: Path,
    videos: pd.DataFrame,
    faces_of: Callable[[str], VideoFaces],
    shards: int,
) -> None:
    ordered = videos[list(_GIVEN)].sort_values("video")
    records = [dict(zip(_GIVEN, row, strict=True)) for row in ordered.itertuples(index=False)]
    manifest: list[dict[str, Any]] = []
    with (
        replacing(folder / CROPS) as crops_file,
        pq.ParquetWriter(crops_file, _CROPS_SCHEMA, write_page_checksum=True) as crops_table,
    ):
        for number in range(shards):
            name = shard_name(number)
            chosen = [one for one in records if shard_of(one["group"], shards) == number]
            rows: list[dict[str, Any]] = []
            with (
                replacing(folder / name) as shard_file,
                tarfile.open(shard_file, mode="w", format=tarfile.PAX_FORMAT) as shard,
            ):
                for record in chosen:
                    faces = faces_of(record["video"])
                    manifest.append({**record, "shard": name, **_account(faces)})
                    for crop in faces.crops:
                        row = _crop_row(record["video"], name, crop)
                        _add(shard, row["member"], crop.jpeg)
                        rows.append(row)
            crops_table.write_table(pa.Table.from_pylist(rows, _CROPS_SCHEMA))
    _write_manifest(folder / MANIFEST, manifest)
    expected = {shard_name(number) for number in range(shards)}
    for path in [*folder.glob("shard-*.tar"), *folder.glob(f"{UNFINISHED}*")]:
        if path.name not in expected:
            path.unlink()


def _account(faces: VideoFaces) -> dict[str, Any]:
    counts = {name: getattr(faces, name) for name in _COUNTS if name != "crops"}
    return {
        **counts,
        "crops": len(faces.crops),
        "reason": faces.reason,
        "detail": faces.detail or None,
    }


def _crop_row(video: str, shard: str, crop: Crop) -> dict[str, Any]:
    points = [value for point in crop.face.landmarks for value in point]
    return {
        "video": video,
        "frame": crop.frame,
        "time_s": crop.time_s,
        "track": crop.track,
        "shard": shard,
        "member": f"{video}/{crop.frame:06d}-{crop.track}.jpg",
        **dict(zip(BOX_COLUMNS, crop.face.box, strict=True)),
        **dict(zip(LANDMARK_COLUMNS, points, strict=True)),
        "score": crop.face.score,
        "sharpness": crop.sharpness,
        "crc32": zlib.crc32(crop.jpeg),
    }


def _add(shard: tarfile.TarFile, member: str, content: bytes) -> None:
    header = tarfile.TarInfo(member)  # time 0, mode 0644, user and group 0: no trace of the machine
    header.size = len(content)
    shard.addfile(header, io.BytesIO(content))


def _write_manifest(path: Path, rows: list[dict[str, Any]]) -> None:
    ordered = pd.DataFrame(rows, columns=_MANIFEST_SCHEMA.names).sort_values("video")
    # Column by column: pandas' missing values become nulls, and its index stays out of the file.
    columns = [
        pa.array(ordered[field.name], field.type, from_pandas=True) for field in _MANIFEST_SCHEMA
    ]
    with replacing(path) as temporary:
        table = pa.Table.from_arrays(columns, schema=_MANIFEST_SCHEMA)
        pq.write_table(table, temporary, write_page_checksum=True)
