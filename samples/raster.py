"""A z-buffer rasteriser in plain numpy: which triangle covers each pixel, and where inside it.

Every pixel of every triangle's bounding box is tested at once with the edge functions of Pineda,
"A Parallel Algorithm for Polygon Rasterization" (SIGGRAPH 1988), so there is no Python loop.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Coverage:
    """The covered pixels of an image, nearest triangle only.

    Attributes:
        pixels: (P,) flat indices ``row * width + column``, each at most once.
        triangles: (P,) the triangle seen at each pixel.
        weights: (P, 3) barycentric weights of its corners, each in [0, 1], summing to 1.
    """

    pixels: Ints
    triangles: Ints
    weights: Floats

    def blend(self, corners: Floats) -> Floats:
        """Interpolate values (T, 3, C) given per triangle corner to the pixels, (P, C)."""
        return np.einsum("pk,pkc->pc", self.weights, corners[self.triangles])


def rasterize(points: Floats, depth: Floats, triangles: Ints, size: tuple[int, int]) -> Coverage:
    """Rasterise triangles that wind clockwise on screen (x right, y down); the others face away.

    Args:
        points: (V, 2) float32 positions as (column, row); pixel centres are whole numbers.
        depth: (V,) distance from the viewer; the smallest wins.
        triangles: (T, 3) vertex indices.
        size: (width, height) of the image.
    """
    width, height = size
    corners = points[triangles]
    origin, edge1, edge2 = (
        corners[:, 0],
        corners[:, 1] - corners[:, 0],
        corners[:, 2] - corners[:, 0],
    )
    area = edge1[:, 1] * edge2[:, 0] - edge1[:, 0] * edge2[:, 1]
    low = np.ceil(corners.min(1)).astype(np.int64).clip(0)
    high = np.minimum(np.floor(corners.max(1)).astype(np.int64), (width - 1, height - 1))
    columns, rows = (high - low + 1).clip(0).T
    counts = np.where(area > 1e-6, columns * rows, 0)

    owner = np.repeat(np.arange(len(triangles), dtype=np.int32), counts)
    within = np.arange(len(owner), dtype=np.int32)
    within -= np.repeat((np.cumsum(counts) - counts).astype(np.int32), counts)
    row, column = np.divmod(within, columns.astype(np.int32)[owner])
    row += low[:, 1].astype(np.int32)[owner]
    column += low[:, 0].astype(np.int32)[owner]
    # Both inner weights are affine in (column, row): one multiply-add per axis and pixel.
    slope1 = np.stack([-edge2[:, 1], edge2[:, 0]], 1) / np.maximum(area, 1e-6)[:, None]
    slope2 = np.stack([edge1[:, 1], -edge1[:, 0]], 1) / np.maximum(area, 1e-6)[:, None]
    x, y = column.astype(np.float32), row.astype(np.float32)
    weight1 = _affine(slope1, origin, owner, x, y)
    weight2 = _affine(slope2, origin, owner, x, y)
    least, most = -1e-4, 1 + 1e-4  # rounding must not open cracks along shared edges
    inside = np.flatnonzero((weight1 >= least) & (weight2 >= least) & (weight1 + weight2 <= most))

    owner, weight1, weight2 = owner[inside], weight1[inside], weight2[inside]
    pixel = row[inside].astype(np.int64) * width + column[inside]
    z = depth[triangles].astype(np.float32)
    distance = z[owner, 0] * (1 - weight1 - weight2) + z[owner, 1] * weight1 + z[owner, 2] * weight2
    nearest = np.full(width * height, np.inf, np.float32)
    np.minimum.at(nearest, pixel, distance)
    seen = np.flatnonzero(distance == nearest[pixel])
    winner = np.full(width * height, -1, np.int64)
    winner[pixel[seen]] = seen
    covered = np.flatnonzero(winner >= 0)
    chosen = winner[covered]
    weights = np.stack([1 - weight1 - weight2, weight1, weight2], 1)[chosen]
    return Coverage(covered, owner[chosen].astype(np.int64), weights)


def _affine(slope: Floats, origin: Floats, owner: Ints, x: Floats, y: Floats) -> Floats:
    """Each pixel's value of its owner's affine function, zero at the owner's first corner."""
    constant = -(slope * origin).sum(1).astype(np.float32)
    a, b = slope.astype(np.float32).T
    return a[owner] * x + b[owner] * y + constant[owner]
