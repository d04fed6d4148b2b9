"""Crops read back from the shards."""

import tarfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dfd.errors import FacesError
from dfd.faces.face import LANDMARKS


def read_crops(folder: Path, crops: pd.DataFrame) -> npt.NDArray[np.uint8]:
    """Return crops in the order of the rows, uint8 (N, crop_size, crop_size, 3), RGB.

    Arguments and errors are those of ``iterate_crops``.
    """
    images: npt.NDArray[np.uint8] | None = None
    for row, image in iterate_crops(folder, crops):
        if images is None:
            images = np.empty((len(crops), *image.shape), np.uint8)
        images[row] = image
    assert images is not None  # every row was found
    return images


def iterate_crops(folder: Path, crops: pd.DataFrame) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """Yield the position of a row and its crop, each shard read once from front to back.

    Args:
        folder: The output of the faces stage.
        crops: Rows of its crops table (``shard``, ``member`` and ``crc32`` are read), in any order,
            with or without repetition; at least one.

    Yields:
        Each row once, in the order of the shards, with uint8 (crop_size, crop_size, 3), RGB.

    Raises:
        FacesError: There are no rows, or a shard or member is missing, damaged or of another size.
    """
    if crops.empty:
        raise FacesError(f"{folder}: no crops were asked for; see the reasons in its manifest")
    rows: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, (shard, member) in enumerate(zip(crops["shard"], crops["member"], strict=True)):
        rows[shard][member].append(row)
    checksums = crops["crc32"].to_numpy()
    shape: tuple[int, ...] | None = None
    for shard in sorted(rows):
        wanted = rows[shard]
        for member, jpeg in _members(folder / shard, set(wanted)):
            if zlib.crc32(jpeg) != checksums[wanted[member][0]]:
                raise _mismatch(folder / shard, f"{member} is not the crop its table names")
            image = _decoded(folder / shard, member, jpeg)
            shape = shape or image.shape
            if image.shape != shape:
                raise _mismatch(folder / shard, f"{member} is {image.shape[1]} pixels wide")
            for row in wanted.pop(member):
                yield row, image
        if wanted:
            raise _mismatch(folder / shard, f"holds no {next(iter(wanted))}")


def _members(shard: Path, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(shard, "r:") as archive:
            for header in archive:
                content = archive.extractfile(header) if header.name in wanted else None
                if content is not None:
                    yield header.name, content.read()
    except (OSError, tarfile.TarError) as error:
        raise _mismatch(shard, "missing or damaged") from error


def _decoded(shard: Path, member: str, jpeg: bytes) -> npt.NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise _mismatch(shard, f"{member} is not an image")
    return np.asarray(image, np.uint8)


def _mismatch(shard: Path, problem: str) -> FacesError:
    return FacesError(f"{shard}: {problem}; run `dvc repro faces`")


MANIFEST = "manifest.parquet"


CROPS = "crops.parquet"


BOX_COLUMNS = ("x1", "y1", "x2", "y2")


LANDMARK_COLUMNS = tuple(f"{name}_{axis}" for name in LANDMARKS for axis in "xy")


def read_manifest(folder: Path) -> pd.DataFrame:
    """Return the table with one row per video.

    Raises:
        FacesError: It is missing or damaged.
    """
    return _read_table(folder / MANIFEST)


def read_crops_table(folder: Path) -> pd.DataFrame:
    """Return the table with one row per crop.

    Raises:
        FacesError: It is missing or damaged.
    """
    return _read_table(folder / CROPS)


def _read_table(path: Path) -> pd.DataFrame:
    try:
        table: pd.DataFrame = pq.read_table(path, page_checksum_verification=True).to_pandas()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise FacesError(f"{path}: missing or damaged; run `dvc repro faces`") from error
    return table
