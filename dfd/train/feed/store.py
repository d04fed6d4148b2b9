"""Crops decoded once into one file of pixels, which training reads through a memory map.

The file lies beside the shards and is named by what it was made from, so that a store of other
crops is never read; an older one is removed when a new one is made.
"""

import mmap
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from dfd.errors import TrainError
from dfd.faces.reader import CROPS, iterate_crops
from dfd.files import hash_file, replacing

Images = npt.NDArray[np.uint8]


def open_store(faces: Path, crops: pd.DataFrame, folder: Path) -> Images:
    """Return all crops of the faces stage, decoded; the first call writes the store.

    Args:
        faces: The output of the faces stage.
        crops: Its crops table, whole.
        folder: Where the store is kept, as one ``.npy`` file.

    Returns:
        uint8 (N, crop_size, crop_size, 3) RGB in the table's order, read-only and mapped to the
        file: read it with ``take``.

    Raises:
        FacesError: There are no crops, or the shards are not those of the table.
        TrainError: The store cannot be written, or is damaged.
    """
    path = folder / f"{hash_file(faces / CROPS)[:16]}.npy"
    try:
        if not path.exists():
            _write(faces, crops, path)
            for other in set(folder.glob("*.npy")) - {path}:
                other.unlink()
        images: Images = np.load(path, mmap_mode="r")
    except ValueError as error:  # shorter than its header says
        raise TrainError(f"{path}: damaged ({error}); remove it, then train again") from error
    except OSError as error:
        raise TrainError(
            f"{path}: cannot be written ({error.strerror or error}); make room for "
            "crops x crop_size x crop_size x 3 bytes, then train again"
        ) from error
    return images


def _write(faces: Path, crops: pd.DataFrame, path: Path) -> None:
    # Written as a file rather than through a map: a full disk is then an error and not a signal.
    with replacing(path) as temporary, temporary.open("wb") as file:
        start = None
        for row, image in iterate_crops(faces, crops):
            if start is None:
                start = write_header(file, (len(crops), *image.shape))
            file.seek(start + row * image.nbytes)
            file.write(image.tobytes())


def write_header(file: BinaryIO, shape: tuple[int, ...]) -> int:
    """Begin a store of uint8 images (N, S, S, 3); return where the first image goes."""
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(file, header)
    return file.tell()


def take(images: Images, rows: npt.NDArray[np.int64]) -> Images:
    """Return copies of images, and let go of the pages that were mapped for them.

    Mapped pages count as this process's memory, so that an epoch would come to hold the whole
    store; the system's file cache keeps them anyway.

    Args:
        images: As from ``open_store``, or any array of images.
        rows: Which ones, (M,).
    """
    chosen = np.asarray(images[rows])
    mapped = getattr(images, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
    return chosen
