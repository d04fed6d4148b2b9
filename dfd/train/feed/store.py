"""The crop store: all crops decoded once into one file, which training maps into memory.

The name of the file is a hash of the crops table, so that a store of other crops is never read. The
stores of other crops are removed when a new store is written.
"""

import mmap
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from dfd.arrays import Images
from dfd.errors import TrainError
from dfd.faces.reader import CROPS, iterate_crops
from dfd.files import hash_file, replacing


def open_store(faces: Path, crops: pd.DataFrame, folder: Path) -> Images:
    """Return all crops of the faces stage, decoded. The first call writes the store.

    Args:
        faces: The output folder of the faces stage.
        crops: The complete crops table of that folder.
        folder: The folder of the store, which is one ``.npy`` file.

    Returns:
        uint8 (N, crop_size, crop_size, 3) RGB in the order of the table, read-only and mapped to
        the file. Read single crops with ``take``.

    Raises:
        FacesError: There are no crops, or the shards do not belong to the table.
        TrainError: The store cannot be written, or it is damaged.
    """
    path = folder / f"{hash_file(faces / CROPS)[:16]}.npy"
    try:
        if not path.exists():
            _write(faces, crops, path)
            for other in set(folder.glob("*.npy")) - {path}:
                other.unlink()
        images: Images = np.load(path, mmap_mode="r")
    except ValueError as error:  # the file is shorter than its header says
        raise TrainError(f"{path}: damaged ({error}); remove it, then train again") from error
    except OSError as error:
        raise TrainError(
            f"{path}: cannot be written ({error.strerror or error}); make room for "
            "crops x crop_size x crop_size x 3 bytes, then train again"
        ) from error
    return images


def _write(faces: Path, crops: pd.DataFrame, path: Path) -> None:
    # Written as a file and not through a memory map: a full disk would end a process that writes
    # through a map by a signal, and not by an exception.
    with replacing(path) as temporary, temporary.open("wb") as file:
        start = None
        for row, image in iterate_crops(faces, crops):
            if start is None:
                start = write_header(file, (len(crops), *image.shape))
            file.seek(start + row * image.nbytes)
            file.write(image.tobytes())


def write_header(file: BinaryIO, shape: tuple[int, ...]) -> int:
    """Write the header of a store of uint8 images.

    Args:
        file: The new file.
        shape: (N, S, S, 3).

    Returns:
        The position in the file of the first image.

    Example:
        >>> import io
        >>> import numpy as np
        >>> file = io.BytesIO()
        >>> file.seek(write_header(file, (2, 4, 4, 3)))
        128
        >>> _ = file.write(bytes(2 * 4 * 4 * 3)), file.seek(0)
        >>> np.load(file).shape
        (2, 4, 4, 3)
    """
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(file, header)
    return file.tell()


def take(images: Images, rows: npt.NDArray[np.int64]) -> Images:
    """Return copies of images, and release the mapped pages that were read for them.

    Mapped pages count as memory of this process, which would come to hold the whole store in the
    course of an epoch. After their release they stay in the file cache of the system.

    Args:
        images: uint8 (N, S, S, 3), mapped to a file as ``open_store`` returns it, or in memory.
        rows: int64 (M,), positions of the images to copy.

    Returns:
        uint8 (M, S, S, 3).

    Example:
        >>> import numpy as np
        >>> images = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1)
        >>> take(images, np.array([2, 0])).ravel().tolist()
        [2, 0]
    """
    chosen = np.asarray(images[rows])
    mapped = getattr(images, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
    return chosen
