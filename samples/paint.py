"""Skin, lips, brows, beard and hair, painted into the mesh's own texture square.

Everything is a function of where a texel lies on the *base* mesh, which all identities share, so
one position map serves every head and the paint follows every shape and expression.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from samples.identity import HAIRLINE_ANGLES, Hair, Identity, seeded
from samples.mesh import Mesh, Part, texture_mask, uv_pixels
from samples.raster import rasterize

Floats = NDArray[np.floating[Any]]

SIZE = 2048
"""Side of the texture in texels; about one texel per rendered sample on a face."""
UPPER = (5.3, 1.3)
"""Painted skin lies above this height and within this distance of the middle."""


@dataclass(frozen=True)
class Canvas:
    """Where each painted texel lies on the base mesh.

    Attributes:
        texels: (P,) flat indices of the painted texels.
        positions: (P, 3) base-mesh positions.
        lips, inside, ears, lids, face: (P,) MakeHuman's region masks in [0, 1].
        nearest: (SIZE, SIZE) for each texel, the row of the nearest painted one.
    """

    texels: NDArray[np.int64]
    positions: Floats
    lips: Floats
    inside: Floats
    ears: Floats
    lids: Floats
    face: Floats
    nearest: NDArray[np.int32]


def make_canvas(mesh: Mesh) -> Canvas:
    """Rasterise the mesh into its texture square."""
    skin = mesh.parts == Part.SKIN
    uv = uv_pixels(mesh.corner_uv[skin], SIZE).reshape(-1, 2)
    corners = np.arange(len(uv)).reshape(-1, 3)
    flipped = corners[:, ::-1]
    positions = mesh.vertices[mesh.triangles[skin]]
    layers = []
    for order, triangles in ((slice(None), corners), (slice(None, None, -1), flipped)):
        seen = rasterize(uv, np.zeros(len(uv), np.float32), triangles, (SIZE, SIZE))
        layers.append((seen.pixels, seen.blend(positions[:, order])))
    texels = np.concatenate([pixels for pixels, _ in layers])
    place = np.concatenate([place for _, place in layers])
    texels, first = np.unique(texels, return_index=True)
    place = place[first].astype(np.float32)
    kept = (place[:, 1] > UPPER[0]) & (np.abs(place[:, 0]) < UPPER[1])
    texels, place = texels[kept], place[kept]
    row_of = np.full(SIZE * SIZE, -1, np.int32)
    row_of[texels] = np.arange(len(texels))
    row_of = row_of.reshape(SIZE, SIZE)
    rows, columns = distance_transform_edt(row_of < 0, return_distances=False, return_indices=True)
    masks = {
        name: texture_mask(mesh.wheel, name).ravel()[texels]
        for name in ("lips", "inside-mouth", "ears", "eyelids", "face")
    }
    return Canvas(
        texels=texels,
        positions=place,
        lips=masks["lips"],
        inside=masks["inside-mouth"],
        ears=masks["ears"],
        lids=masks["eyelids"],
        face=masks["face"],
        nearest=row_of[rows, columns],
    )


def smoothstep(low: float, high: float, value: Floats) -> Floats:
    """0 below `low`, 1 above `high`, smooth between (`high` may be the smaller one)."""
    t = ((value - low) / (high - low)).clip(0, 1)
    return t * t * (3 - 2 * t)


def above_hairline(hair: Hair, positions: Floats) -> Floats:
    """Signed height of base-mesh positions (N, 3) over the hairline."""
    x, y, z = positions.T
    angle = np.degrees(np.arctan2(np.abs(x), z - 0.25))
    return y - np.interp(angle, HAIRLINE_ANGLES, hair.hairline).astype(np.float32)


def paint(canvas: Canvas, identity: Identity) -> Floats:
    """Paint one identity.

    Returns:
        (SIZE, SIZE, 4) float32: blue, green, red albedo in linear light, and gloss in [0, 1].
    """
    rng = seeded(identity.name, "paint")
    hair = identity.hair
    x, y, z = canvas.positions.T
    front = smoothstep(0.1, 0.5, z)
    texture = np.empty((len(x), 4), np.float32)
    texture[:, :3] = identity.skin
    texture[:, 3] = 0.35

    def noise(cell: tuple[float, float]) -> Floats:
        return _noise(rng, cell).ravel()[canvas.texels]

    mottle = 0.55 * noise((48, 48)) + 0.35 * noise((18, 18)) + 0.3 * noise((7, 7))
    pores = noise((3.2, 3.2)) + 0.5 * noise((5, 5))
    texture[:, :3] *= np.exp(identity.grain * (0.035 * mottle + 0.07 * pores))[:, None]
    spots = smoothstep(2.1, 2.9, noise((6, 6))) * identity.freckles * front
    texture[:, :3] *= 1 - spots[:, None] * np.array([0.5, 0.42, 0.3], np.float32)

    cheeks = _bump(np.abs(x) - 0.42, 0.2) * _bump(y - 6.95, 0.2)
    nose = _bump(x, 0.16) * _bump(y - 6.93, 0.14)
    flush = (cheeks + nose) * front + 0.7 * canvas.ears
    texture[:, :3] *= 1 - flush[:, None] * np.array([0.2, 0.22, 0.0], np.float32)
    sockets = _bump(np.abs(x) - 0.31, 0.17) * _bump(y - 7.22, 0.11) * front
    texture[:, :3] *= 1 - sockets[:, None] * np.array([0.14, 0.2, 0.16], np.float32)
    _blend(texture, 0.35 * canvas.lids, np.array(identity.skin) * (0.5, 0.5, 0.6), 0.4)

    lips = np.array(identity.lips) * np.exp(0.12 * noise((14, 3)) + 0.05 * mottle)[:, None]
    _blend(texture, 0.9 * smoothstep(0.2, 0.8, canvas.lips), lips, 0.8)
    _blend(texture, smoothstep(0.3, 0.7, canvas.inside), np.array((0.03, 0.03, 0.09)), 0.3)

    strands = noise((22, 2.6))
    hair_shade = np.array(hair.colour) * np.exp(0.3 * strands + 0.15 * noise((60, 9)))[:, None]
    fine = noise((4, 4))
    beard = _beard(x, y + 0.035 * noise((30, 30)), z) * smoothstep(0.3, 0.9, canvas.face)
    beard *= (1 - canvas.lips) * (1 - canvas.ears)
    bristles = np.array(hair.colour) * np.exp(0.15 * noise((9, 2.4)))[:, None]
    _blend(texture, (hair.beard * beard * (0.78 + 0.09 * fine)).clip(0, 0.93), bristles * 0.8, 0.1)
    _blend(texture, _brows(hair, x, y, noise) * front, hair_shade * 0.7, 0.1)

    height = (
        above_hairline(hair, canvas.positions) + 0.035 * noise((26, 5)) + 0.012 * noise((14, 2.6))
    )
    cap = hair.cover * smoothstep(-0.1, 0.12, height) * (1 - canvas.ears)
    _blend(texture, cap, hair_shade, 0.35)
    return texture.clip(0, 1)[canvas.nearest]


def _beard(x: Floats, y: Floats, z: Floats) -> Floats:
    """Where a beard grows, in [0, 1]: jaw and chin, moustache, and sideburns down to the jaw."""
    side = np.abs(x)
    jaw = smoothstep(6.82, 6.62, y) * smoothstep(0.05, 0.35, z)
    moustache = smoothstep(6.67, 6.75, y) * smoothstep(6.87, 6.8, y) * smoothstep(0.35, 0.3, side)
    moustache = moustache * smoothstep(0.1, 0.5, z)
    sideburns = smoothstep(0.5, 0.62, side) * smoothstep(7.4, 7.2, y) * smoothstep(0.05, 0.3, z)
    sideburns = sideburns * smoothstep(6.5, 6.7, y)
    return np.maximum(np.maximum(jaw, moustache), sideburns) * smoothstep(6.02, 6.25, y)


def _brows(
    hair: Hair, x: Floats, y: Floats, noise: Callable[[tuple[float, float]], Floats]
) -> Floats:
    """Opacity of the brows: an arch that thins outwards, broken up into hairs."""
    along = (np.abs(x) - 0.11) / 0.44
    arch = 7.44 + 0.065 * np.sin(np.pi * (0.12 + 0.75 * along.clip(0, 1))) - 0.025 * along
    width = hair.brow * (1.1 - 0.65 * along.clip(0, 1))
    ends = smoothstep(-0.05, 0.1, along) * smoothstep(1.06, 0.9, along)
    band = ends * smoothstep(1.7, 0.2, np.abs(y - arch) / width)
    return (band * (0.8 + 0.14 * noise((3, 9)))).clip(0, 0.9)


def _bump(value: Floats, width: float) -> Floats:
    return np.exp(-0.5 * (value / width) ** 2)


def _blend(texture: Floats, share: Floats, colour: Floats, gloss: float) -> None:
    """Lay paint over `texture` in place: `share` (P,) of `colour` (3,) or (P, 3) and of `gloss`."""
    texture[:, :3] += share[:, None] * (colour - texture[:, :3])
    texture[:, 3] += share * (gloss - texture[:, 3])


def _noise(rng: np.random.Generator, cell: tuple[float, float]) -> Floats:
    """Smooth noise of mean 0 and deviation near 1 with cells of (width, height) texels."""
    shape = (int(SIZE / cell[1]) + 1, int(SIZE / cell[0]) + 1)
    grid = rng.standard_normal(shape, np.float32)
    return 1.3 * cv2.resize(grid, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
