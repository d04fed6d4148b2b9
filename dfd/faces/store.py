"""Results of single videos, kept outside the stage's output so that a killed run continues.

One ZIP file a video, named by what the result depends on: the account as JSON and the crops as
JPEG. ZIP carries a checksum for each member, so a damaged file is known when read.
"""

import json
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dfd.faces.face import Face
from dfd.faces.record import Crop, VideoFaces
from dfd.files import hash_json, replacing
from dfd.params.faces import CropParams

# Raise when the same video and parameters would give another result, or the format changes.
CODE_VERSION = 2
_ACCOUNT = "faces.json"
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, LookupError, RuntimeError)


def store_key(sha256: str, params: CropParams) -> str:
    """Return the name of a video's result: 64 hexadecimal digits.

    Args:
        sha256: Hash of the video's content.
        params: What the crops depend on.
    """
    parts = {
        "content": sha256,
        "params": params.model_dump(),
        "version": CODE_VERSION,
    }
    return hash_json(parts)


def write_video_faces(folder: Path, key: str, faces: VideoFaces) -> None:
    """Keep a result under its key; it appears whole or not at all.

    Raises:
        OSError: The folder cannot be written.
    """
    account = asdict(faces)
    for crop in account["crops"]:
        del crop["jpeg"]
    with (
        replacing(_path(folder, key)) as temporary,
        zipfile.ZipFile(temporary, "w") as archive,
    ):
        archive.writestr(zipfile.ZipInfo(_ACCOUNT), json.dumps(account))
        for number, crop in enumerate(faces.crops):
            archive.writestr(zipfile.ZipInfo(_member(number)), crop.jpeg)


def read_video_faces(folder: Path, key: str) -> VideoFaces | None:
    """Return the result kept under this key, or None when it is absent or damaged."""
    path = _path(folder, key)
    if not path.is_file():
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            account = json.loads(archive.read(_ACCOUNT))
            crops = tuple(
                _crop(record, archive.read(_member(number)))
                for number, record in enumerate(account["crops"])
            )
        return VideoFaces(**{**account, "crops": crops})
    except _DAMAGE:
        return None  # whatever the damage, the video is done again


def _crop(record: dict[str, Any], jpeg: bytes) -> Crop:
    face = record["face"]
    points = tuple((x, y) for x, y in face["landmarks"])
    return Crop(
        **{**record, "face": Face(tuple(face["box"]), points, face["score"])},
        jpeg=jpeg,
    )


def _path(folder: Path, key: str) -> Path:
    return folder / f"{key}.zip"


def _member(number: int) -> str:
    return f"{number:06d}.jpg"
