"""Writing the output of the stage ``faces``: crops in tar files ("shards"), and two tables.

The number of shards is fixed. Their members are named ``<video>/<frame>-<track>.jpg``, as the
WebDataset convention asks. A hash of its group chooses the shard of a video, so that a change to
one video changes one shard. The same videos and results always give the same bytes.
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

_TEXTS = ("video", "label", "group", "method", "dataset")
_VIDEO_COLUMNS = (*_TEXTS, "synthetic")
_COUNTS = ("frames", "asked", "decoded", "with_face", "kept", "tracks", "crops")
_MANIFEST_SCHEMA = pa.schema(
    [(name, pa.string()) for name in (*_TEXTS, "shard")]
    + [("synthetic", pa.bool_())]
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
        ("crc32", pa.int64()),  # of the JPEG file; a reader recognises damage by it
    ]
)


def shard_of(group: str, shards: int) -> int:
    """Return the number of the shard that holds the crops of a group.

    Args:
        group: The name of the group.
        shards: Number of shards.

    Returns:
        A number from 0 to ``shards - 1``, by a hash of the name.

    Example:
        >>> shard_name(shard_of("ajgbsfvojo.mp4", shards=8))
        'shard-00004.tar'
    """
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") % shards


def shard_name(number: int) -> str:
    """Return the file name of a shard by its number."""
    return f"shard-{number:05d}.tar"


def write_faces(
    folder: Path,
    videos: pd.DataFrame,
    faces_of: Callable[[str], VideoFaces],
    shards: int,
) -> None:
    """Write the shards, ``manifest.parquet`` and ``crops.parquet``.

    The manifest has one row per video, ordered by ``video``. The crops table has one row per crop,
    ordered by shard, ``video``, ``frame`` and ``track``; its boxes and landmarks are in pixels of
    the upright frame. Shards and temporary files of earlier runs are removed.

    Args:
        folder: The output folder; it is created where needed.
        videos: One row per video, with the columns ``video`` (unique), ``label``, ``group``,
            ``method``, ``dataset`` and ``synthetic``; label and method may be missing values.
        faces_of: Callback that returns the result of a video by its id. It is called once per
            video, shard by shard, so that only one result is in memory at a time.
        shards: Number of tar files; a shard without a video is written empty.

    Raises:
        FacesError: The folder cannot be written.

    Example:
        >>> import tempfile
        >>> from dfd.faces.record import no_crops
        >>> columns = ["video", "label", "group", "method", "dataset", "synthetic"]
        >>> row = ["a.mp4", "REAL", "a.mp4", None, "sample", True]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     videos = pd.DataFrame([row], columns=columns)
        ...     write_faces(Path(folder), videos, lambda video: no_crops("no_face", ""), shards=1)
        ...     sorted(path.name for path in Path(folder).iterdir())
        ['crops.parquet', 'manifest.parquet', 'shard-00000.tar']
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
    ordered = videos[list(_VIDEO_COLUMNS)].sort_values("video")
    records = [
        dict(zip(_VIDEO_COLUMNS, row, strict=True)) for row in ordered.itertuples(index=False)
    ]
    manifest: list[dict[str, Any]] = []
    with (
        replacing(folder / CROPS) as crops_file,
        pq.ParquetWriter(crops_file, _CROPS_SCHEMA, write_page_checksum=True) as crops_table,
    ):
        for number in range(shards):
            name = shard_name(number)
            chosen = [record for record in records if shard_of(record["group"], shards) == number]
            rows: list[dict[str, Any]] = []
            with (
                replacing(folder / name) as shard_file,
                tarfile.open(shard_file, mode="w", format=tarfile.PAX_FORMAT) as shard,
            ):
                for record in chosen:
                    faces = faces_of(record["video"])
                    manifest.append({**record, "shard": name, **_counts(faces)})
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


def _counts(faces: VideoFaces) -> dict[str, Any]:
    """Return the columns of the manifest that come from the result of a video."""
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
    header = tarfile.TarInfo(
        member
    )  # time 0, mode 0644, user and group 0: the same on all machines
    header.size = len(content)
    shard.addfile(header, io.BytesIO(content))


def _write_manifest(path: Path, rows: list[dict[str, Any]]) -> None:
    ordered = pd.DataFrame(rows, columns=_MANIFEST_SCHEMA.names).sort_values("video")
    # Column by column, so that missing values of pandas become nulls and its index is left out.
    columns = [
        pa.array(ordered[field.name], field.type, from_pandas=True) for field in _MANIFEST_SCHEMA
    ]
    with replacing(path) as temporary:
        table = pa.Table.from_arrays(columns, schema=_MANIFEST_SCHEMA)
        pq.write_table(table, temporary, write_page_checksum=True)
