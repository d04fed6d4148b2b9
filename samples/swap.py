"""Face swapping by landmarks: the classical forgery, on pixels alone.

As in the first generation of deepfakes, the donor's face passes through a small aligned square
before it is warped into the target's frame, takes on the target's colours and is blended in:

1. piecewise-affine warp over a triangulation of the landmarks, donor to square to target;
2. colour transfer in L*a*b* (Reinhard et al., "Color Transfer between Images", 2001);
3. blending of the gradients (Pérez et al., "Poisson Image Editing", 2003), or a feathered
   cross-fade.

Head outline, hair, neck and room stay the target's own. Nothing else is added to a fake.

A forgery of the words alone moves only the mouth, from another frame of the same person.
"""

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import Delaunay

from samples.identity import seeded
from samples.mesh import Mesh
from samples.raster import rasterize

Floats = NDArray[np.floating[Any]]
Image = NDArray[Any]

SIDE = 136
"""Side in pixels of the aligned square."""
FEATHER = 7
"""Width in pixels of the soft edge of the feathered blend, and of the margin cut off the mask."""
GAIN = (0.6, 1.5)
"""Limits of the contrast change in the colour transfer."""
JITTER = (0.35, 0.6)
"""Deviations in pixels of a landmark's fast and slow tracking errors."""
MOUTH_SCALE = 0.33
"""How much smaller than in the frame a moved mouth is made up."""


@dataclass(frozen=True)
class Look:
    """How a swapped face is made up.

    Attributes:
        blend: How it is blended in.
        side: Side in pixels of the square that a generator would put out, at most `SIDE`.
        sharpening: How strongly it is sharpened after its enlargement; 0: not at all.
    """

    blend: Literal["poisson", "feather"]
    side: int
    sharpening: float = 0.0


@dataclass(frozen=True)
class Alignment:
    """Which points of a face are tracked, and where they lie in the aligned square.

    Attributes:
        vertices: (L,) indices of the mesh vertices that serve as landmarks.
        square: (L, 2) their positions in the square as (column, row).
        triangles: (T, 3) Delaunay triangulation of `square`.
        mouth: (M,) which of the landmarks lie around the lips.
    """

    vertices: NDArray[np.int64]
    square: Floats
    triangles: NDArray[np.int64]
    mouth: NDArray[np.int64]


def make_alignment(mesh: Mesh) -> Alignment:
    """Choose landmarks around the eyes, around the lips and over the face, alike on both sides."""
    x, y, z = mesh.vertices.T
    eyes, lips = mesh.vertex_mask("eyelids") > 0.5, mesh.vertex_mask("lips") > 0.5
    face = (mesh.vertex_mask("face") > 0.5) & (z > 0.35) & (np.abs(x) < 0.62) & (y < 7.72)
    around_eyes, around_lips = (_rim(mesh, part, face & ~part) for part in (eyes, lips))
    plain = face & ~eyes & ~lips
    regions = ((around_eyes, 10), (around_lips, 8), (plain & ~around_eyes & ~around_lips, 26))
    half = [
        index
        for region, count in regions
        for index in _spread(mesh.vertices, region & (x > -1e-3), count)
    ]
    mirrored = mesh.vertices[half] * (-1, 1, 1)
    away = np.linalg.norm(mesh.vertices[None] - mirrored[:, None], axis=2)
    chosen = np.unique([*half, *np.argmin(np.where(face, away, np.inf), axis=1)])
    flat = mesh.vertices[chosen, :2] * (1, -1)
    low, span = flat.min(0), np.ptp(flat, axis=0)
    square = (flat - low - span / 2) / span.max() * (SIDE - 9) + SIDE / 2
    corners = Delaunay(square).simplices.astype(np.int64)
    a, b, c = square[corners].transpose(1, 0, 2)
    clockwise = np.cross(b - a, c - a) < 0
    return Alignment(
        vertices=chosen,
        square=square.astype(np.float32),
        triangles=np.where(clockwise[:, None], corners, corners[:, ::-1]),
        mouth=np.flatnonzero(around_lips[chosen]),
    )


def track(points: Floats, name: str) -> Floats:
    """Landmarks (F, L, 2) as a tracker would report them: with a little jitter and drift."""
    rng = seeded(name, "track")
    fast = JITTER[0] * rng.standard_normal(points.shape)
    slow = gaussian_filter1d(rng.standard_normal(points.shape), 4, axis=0)
    return (points + fast + JITTER[1] * slow / slow.std()).astype(np.float32)


def swap(
    target: Image,
    target_points: Floats,
    donor: Image,
    donor_points: Floats,
    alignment: Alignment,
    look: Look,
) -> Image:
    """Put the donor's face into the target's frame.

    Args:
        target, donor: (H, W, 3) uint8 frames, blue, green, red.
        target_points, donor_points: (L, 2) landmarks in them.
        alignment: The square and its triangles.
        look: How the face is made up.

    Returns:
        (H, W, 3) uint8 forged frame.
    """
    aligned, _ = _warp(donor, donor_points, alignment.square, alignment.triangles, (SIDE, SIDE))
    aligned = _through_small(aligned, look.side / SIDE)
    if look.sharpening:
        blurred = cv2.GaussianBlur(aligned, (0, 0), 2)
        aligned = cv2.addWeighted(aligned, 1 + look.sharpening, blurred, -look.sharpening, 0)
    size = (target.shape[1], target.shape[0])
    face, covered = _warp(aligned, alignment.square, target_points, alignment.triangles, size)
    mask = cv2.erode(covered, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * FEATHER + 1,) * 2))
    face = _match_colours(face, target, mask > 0)
    if look.blend == "poisson":
        left, top, width, height = cv2.boundingRect(mask)
        centre = (left + width // 2, top + height // 2)
        return cv2.seamlessClone(face, target, mask, centre, cv2.NORMAL_CLONE)
    return _cross_fade(target, face, mask)


def move_mouth(
    target: Image, target_points: Floats, other: Image, other_points: Floats, alignment: Alignment
) -> Image:
    """Put the mouth of another frame of the same person into the target's frame.

    Args:
        target, other: (H, W, 3) uint8 frames, blue, green, red.
        target_points, other_points: (L, 2) landmarks in them.
        alignment: Which landmarks lie around the lips.

    Returns:
        (H, W, 3) uint8 forged frame.
    """
    # The lips move, and RANSAC leaves out what moves unlike the rest of the face.
    onto, _ = cv2.estimateAffinePartial2D(other_points, target_points)
    size = (target.shape[1], target.shape[0])
    moved = _through_small(cv2.warpAffine(other, onto, size), MOUTH_SCALE)
    lips = np.concatenate(
        [
            target_points[alignment.mouth],
            cv2.transform(other_points[None, alignment.mouth], onto)[0],
        ]
    )
    mask = np.zeros(target.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(lips.round().astype(np.int32)), 255)
    mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (4 * FEATHER + 1,) * 2))
    return _cross_fade(target, _match_colours(moved, target, mask > 0), mask)


def _cross_fade(target: Image, face: Image, mask: Image) -> Image:
    """Fade over from `target` to `face` at the soft edge of a mask, (H, W) of 0 and 255."""
    share = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), FEATHER / 2)[..., None]
    return (target + share * (face.astype(np.float32) - target)).round().astype(np.uint8)


def _through_small(image: Image, scale: float) -> Image:
    """Shrink an image and enlarge it again, as the output of a small generator is."""
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)


def _rim(mesh: Mesh, part: NDArray[np.bool_], surroundings: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The vertices (V,) of `surroundings` that share a triangle with `part`."""
    touching = mesh.triangles[part[mesh.triangles].any(1)]
    rim = np.zeros(len(part), bool)
    rim[touching] = True
    return rim & surroundings


def _spread(vertices: Floats, region: NDArray[np.bool_], count: int) -> list[int]:
    """`count` vertices of a region, each as far as can be from those before it."""
    members = np.flatnonzero(region)
    chosen = [int(members[np.argmax(vertices[members, 0])])]
    away = np.full(len(members), np.inf)
    while len(chosen) < count:
        away = np.minimum(away, np.linalg.norm(vertices[members] - vertices[chosen[-1]], axis=1))
        chosen.append(int(members[np.argmax(away)]))
    return chosen


def _warp(
    image: Image,
    source: Floats,
    destination: Floats,
    triangles: NDArray[np.int64],
    size: tuple[int, int],
) -> tuple[Image, Image]:
    """Move the triangles of `source` to `destination`.

    Returns:
        The (height, width, 3) warped image, and a (height, width) mask, 255 where it has values.
    """
    cover = rasterize(destination, np.zeros(len(destination), np.float32), triangles, size)
    width, height = size
    lookup = np.full((height * width, 2), -1, np.float32)
    lookup[cover.pixels] = cover.blend(source[triangles])
    mask = np.zeros(height * width, np.uint8)
    mask[cover.pixels] = 255
    columns, rows = lookup.T.reshape(2, height, width)
    warped = cv2.remap(image, columns, rows, cv2.INTER_LINEAR)
    return warped, mask.reshape(height, width)


def _match_colours(face: Image, target: Image, where: NDArray[np.bool_]) -> Image:
    """Give `face` the mean and deviation of `target` inside `where`, per channel of L*a*b*."""
    source = cv2.cvtColor(face, cv2.COLOR_BGR2LAB).astype(np.float32)
    wanted = cv2.cvtColor(target, cv2.COLOR_BGR2LAB).astype(np.float32)
    gain = wanted[where].std(0) / source[where].std(0).clip(1e-3)
    gain = gain.clip(*GAIN)
    matched = (source - source[where].mean(0)) * gain + wanted[where].mean(0)
    return cv2.cvtColor(matched.round().clip(0, 255).astype(np.uint8), cv2.COLOR_LAB2BGR)
