"""Crops read back from the shards."""

import tarfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from dfd.errors import FacesError


def read_crops(folder: Path, crops: pd.DataFrame) -> npt.NDArray[np.uint8]:
    """Read crops, each shard opened once and read from front to back.

    Args:
        folder: The output of the faces stage.
        crops: Rows of its crops table (``shard`` and ``member`` are read), in any order, with or
            without repetition; at least one.

    Returns:
        uint8 (N, crop_size, crop_size, 3), RGB, in the order of the rows.

    Raises:
        FacesError: There are no rows, or a shard or member is missing, damaged or of another size.
    """
    if crops.empty:
        raise FacesError(f"{folder}: no crops were asked for; see the reasons in its manifest")
    rows: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, (shard, member) in enumerate(zip(crops["shard"], crops["member"], strict=True)):
        rows[shard][member].append(row)
    images: npt.NDArray[np.uint8] | None = None
    for shard in sorted(rows):
        wanted = rows[shard]
        for member, jpeg in _members(folder / shard, set(wanted)):
            image = _decoded(folder / shard, member, jpeg)
            if images is None:
                images = np.empty((len(crops), *image.shape), np.uint8)
            if image.shape != images.shape[1:]:
                raise _mismatch(folder / shard, f"{member} is {image.shape[1]} pixels wide")
            images[wanted.pop(member)] = image
        if wanted:
            raise _mismatch(folder / shard, f"holds no {next(iter(wanted))}")
    assert images is not None  # every row was found above
    return images


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
