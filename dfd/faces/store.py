"""A store for the results of single videos, from which a run that was killed continues.

It lies outside the output of the stage. Each result is one ZIP file, named by a hash of everything
that the result depends on. It holds the counts as JSON and the crops as JPEG. Before the ZIP stands
the SHA-256 of its name and content, so that any damage is recognised before anything is parsed.
"""

import hashlib
import json
import zipfile
from contextlib import suppress
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

from dfd.faces.face import Face
from dfd.faces.record import Crop, VideoFaces
from dfd.files import hash_json, replacing
from dfd.params.faces import CropParams

# Raise this number when the same video and parameters would give another result, or when results
# that are stored already can no longer be read.
CODE_VERSION = 3
_COUNTS = "faces.json"
_DIGEST = hashlib.sha256().digest_size


def store_key(sha256: str, params: CropParams) -> str:
    """Return the key under which the result of a video is stored: 64 hexadecimal digits.

    Args:
        sha256: Hash of the content of the video file.
        params: How its faces are found and cropped.
    """
    parts = {
        "content": sha256,
        "params": params.model_dump(),
        "version": CODE_VERSION,
    }
    return hash_json(parts)


def write_video_faces(folder: Path, key: str, faces: VideoFaces) -> None:
    """Store the result of a video; its file appears whole or not at all.

    Args:
        folder: The store; it is created where needed.
        key: The key of the result, from ``store_key``.
        faces: The result.

    Raises:
        OSError: The folder cannot be written.
    """
    counts = asdict(faces)
    for crop in counts["crops"]:
        del crop["jpeg"]
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo(_COUNTS), json.dumps(counts))
        for number, crop in enumerate(faces.crops):
            archive.writestr(zipfile.ZipInfo(_member(number)), crop.jpeg)
    with replacing(_path(folder, key)) as temporary:
        temporary.write_bytes(_digest(key, content.getvalue()) + content.getvalue())


def read_video_faces(folder: Path, key: str) -> VideoFaces | None:
    """Return the stored result of a video; None where there is none or its file is damaged.

    Args:
        folder: The store.
        key: The key of the result, from ``store_key``.

    Example:
        >>> import tempfile
        >>> from dfd.faces.record import no_crops
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_video_faces(Path(folder), "0123", no_crops("no_face", "no face in 6 frames"))
        ...     read_video_faces(Path(folder), "0123").reason
        'no_face'
    """
    stored = b""
    with suppress(OSError):  # there is none, or a disk that cannot be read: it is made again
        stored = _path(folder, key).read_bytes()
    digest, content = stored[:_DIGEST], stored[_DIGEST:]
    if digest != _digest(key, content):
        return None
    with zipfile.ZipFile(BytesIO(content)) as archive:
        counts = json.loads(archive.read(_COUNTS))
        crops = tuple(
            _crop(record, archive.read(_member(number)))
            for number, record in enumerate(counts["crops"])
        )
    return VideoFaces(**{**counts, "crops": crops})


def _crop(record: dict[str, Any], jpeg: bytes) -> Crop:
    face = record["face"]
    points = tuple((x, y) for x, y in face["landmarks"])
    return Crop(
        **{**record, "face": Face(tuple(face["box"]), points, face["score"])},
        jpeg=jpeg,
    )


def _digest(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content).digest()


def _path(folder: Path, key: str) -> Path:
    return folder / f"{key}.zip"


def _member(number: int) -> str:
    return f"{number:06d}.jpg"
