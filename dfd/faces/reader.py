"""Reading crops from the shards, and the two tables beside them."""

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

MANIFEST = "manifest.parquet"
CROPS = "crops.parquet"
BOX_COLUMNS = ("x1", "y1", "x2", "y2")
LANDMARK_COLUMNS = tuple(f"{name}_{axis}" for name in LANDMARKS for axis in "xy")


def read_crops(folder: Path, crops: pd.DataFrame) -> npt.NDArray[np.uint8]:
    """Read crops into one array.

    Args:
        folder: The output folder of the stage ``faces``.
        crops: N rows of its crops table, in any order; a row may be repeated. At least one.

    Returns:
        The crops in the order of the rows, uint8 (N, crop_size, crop_size, 3), RGB.

    Raises:
        FacesError: There are no rows, or a shard or crop is missing, damaged or of another size.

    Example:
        >>> import tempfile
        >>> from dfd.faces.extract import extract_faces
        >>> from dfd.faces.face import Face
        >>> from dfd.faces.shards import write_faces
        >>> from dfd.params.faces import FacesParams
        >>> from dfd.params.section import load_section
        >>> def one_face(image):  # stands in for a real face detector
        ...     return [Face((200, 100, 300, 220), ((250, 160),) * 5, score=0.9)]
        >>> def faces_of(video):
        ...     path = Path("samples/videos") / video
        ...     return extract_faces(path, load_section(FacesParams).crop, one_face)
        >>> columns = ["video", "label", "group", "method", "dataset", "synthetic"]
        >>> row = ["ajgbsfvojo.mp4", "REAL", "ajgbsfvojo.mp4", None, "sample", True]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_faces(Path(folder), pd.DataFrame([row], columns=columns), faces_of, shards=2)
        ...     read_crops(Path(folder), read_crops_table(Path(folder))).shape
        (6, 128, 128, 3)
    """
    images: npt.NDArray[np.uint8] | None = None
    for row, image in iterate_crops(folder, crops):
        if images is None:
            images = np.empty((len(crops), *image.shape), np.uint8)
        images[row] = image
    assert images is not None  # iterate_crops yields at least one crop or raises
    return images


def iterate_crops(folder: Path, crops: pd.DataFrame) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """Yield crops one by one; each shard is read once, from front to back.

    Args:
        folder: The output folder of the stage ``faces``.
        crops: Rows of its crops table, in any order; a row may be repeated. At least one. Only the
            columns ``shard``, ``member`` and ``crc32`` are read.

    Yields:
        The position of a row in ``crops``, from 0, and its crop, uint8 (crop_size, crop_size, 3),
        RGB. Each row comes once, in the order of the crops in the shards.

    Raises:
        FacesError: There are no rows, or a shard or crop is missing, damaged or of another size.
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


def read_manifest(folder: Path) -> pd.DataFrame:
    """Return the manifest: one row per video, whether or not it gave crops.

    Raises:
        FacesError: The table is missing or damaged.
    """
    return _read_table(folder / MANIFEST)


def read_crops_table(folder: Path) -> pd.DataFrame:
    """Return the crops table: one row per crop.

    Raises:
        FacesError: The table is missing or damaged.
    """
    return _read_table(folder / CROPS)


def _read_table(path: Path) -> pd.DataFrame:
    try:
        table: pd.DataFrame = pq.read_table(path, page_checksum_verification=True).to_pandas()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise FacesError(f"{path}: missing or damaged; run `dvc repro faces`") from error
    return table
