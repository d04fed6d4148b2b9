"""From an identity to moving vertices: shape, occlusion, expressions and a short performance."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.sparse import csr_matrix

from samples.identity import Identity, seeded
from samples.mesh import Mesh, Part
from samples.paint import above_hairline, smoothstep
from samples.raster import rasterize

Floats = NDArray[np.floating[Any]]

EYES = np.array([[0.30775, 7.28415, 1.24535], [-0.30775, 7.28415, 1.24535]], np.float32)
"""Centres of the base mesh's eyeballs, the subject's left one first."""
CHIN = (0.0, 6.24, 1.45)
PIVOT = np.array([0.0, 6.45, 0.25], np.float32)
"""Where the head turns on the neck."""
EXPRESSIONS = (
    "eye-left-closure",
    "eye-right-closure",
    "mouth-open",
    "mouth-protusion",
    "mouth-retraction",
    "mouth-corner-puller",
    "eyebrows-left-up",
    "eyebrows-right-up",
)


@dataclass(frozen=True)
class Head:
    """One identity's geometry at rest.

    Attributes:
        vertices: (V, 3) neutral positions, eyes at the base mesh's height, in base-mesh scale.
        expressions: (K, V, 3) offsets of `EXPRESSIONS` at full weight.
        sky: (V,) share of the upper hemisphere each vertex sees (ambient occlusion).
        lit: (V,) share of the key light that reaches each vertex in the rest pose.
    """

    vertices: Floats
    expressions: Floats
    sky: Floats
    lit: Floats


@dataclass(frozen=True)
class Performance:
    """What a head does, frame by frame.

    Attributes:
        expressions: (F, K) weights of `EXPRESSIONS`.
        rotation: (F, 3) pitch, yaw and roll in radians.
        shift: (F, 3) translation of head and body.
        gaze: (F, 2) yaw and pitch of the eyes in radians.
    """

    expressions: Floats
    rotation: Floats
    shift: Floats
    gaze: Floats


def make_head(mesh: Mesh, identity: Identity) -> Head:
    """Apply an identity's targets, grow its hair and clothes, and bake its occlusion."""
    shape = mesh.vertices + sum(
        weight * mesh.target(name) for name, weight in identity.targets.items()
    )
    eyes = np.unique(mesh.triangles[mesh.parts == Part.EYE])
    chin = int(np.argmin(np.linalg.norm(mesh.vertices - np.array(CHIN, np.float32), axis=1)))
    drop = mesh.vertices[eyes, 1].mean() - mesh.vertices[chin, 1]
    scale = drop / (shape[eyes, 1].mean() - shape[chin, 1])
    shape = (shape - shape[eyes].mean(0)) * scale + mesh.vertices[eyes].mean(0)
    expressions = np.stack([_expression(mesh, identity, name) for name in EXPRESSIONS]) * scale
    normals = vertex_normals(shape, mesh.triangles)
    skin = np.zeros(len(shape), bool)
    skin[mesh.triangles[mesh.parts == Part.SKIN]] = True
    shape = shape + (skin * _cover(mesh, identity))[:, None] * normals
    key = np.array(identity.light.key)
    around = _directions(24)
    overhead = around[around[:, 1] > -0.35]
    soft = key + 0.22 * _directions(10)
    sky = _visibility(shape, mesh.triangles, overhead)
    lit = _visibility(shape, mesh.triangles, soft / np.linalg.norm(soft, axis=1, keepdims=True))
    smooth = _smoother(mesh)
    return Head(
        vertices=shape.astype(np.float32),
        expressions=expressions.astype(np.float32),
        sky=(smooth @ sky).astype(np.float32),
        lit=(smooth @ (smooth @ lit)).astype(np.float32),
    )


def perform(name: str, frames: int, rate: float) -> Performance:
    """Invent a performance: nodding, talking, blinking, glancing about.

    Args:
        name: Seeds it.
        frames: Number of frames.
        rate: Frames per second.
    """
    rng = seeded(name, "performance")

    def drift(deviation: float, seconds: float) -> Floats:
        curve = gaussian_filter1d(rng.standard_normal(frames + 400), seconds * rate)[200:-200]
        return (deviation * curve * np.sqrt(2 * np.sqrt(np.pi) * seconds * rate)).astype(np.float32)

    speech = np.abs(drift(1.0, 0.07)) * smoothstep(-1.0, 0.3, drift(1.0, 0.3))
    weights = np.zeros((frames, len(EXPRESSIONS)), np.float32)
    blink = _blinks(rng, frames, rate)
    weights[:, 0] = weights[:, 1] = blink
    weights[:, 2] = (0.25 * speech).clip(0, 0.42)
    weights[:, 3] = (0.25 + drift(0.25, 0.12)).clip(0, 0.7)
    weights[:, 4] = drift(0.25, 0.12).clip(0, 0.5)
    weights[:, 5] = (rng.uniform(0.0, 0.45) + drift(0.12, 0.5)).clip(0, 0.8)
    weights[:, 6] = weights[:, 7] = (rng.uniform(-0.1, 0.25) + drift(0.25, 0.25)).clip(0, 0.8)

    degrees = np.stack(
        [
            (rng.normal(0, 2.5) + drift(2.5, 0.35)).clip(-8, 8),
            (rng.uniform(-9, 9) + drift(4.5, 0.45)).clip(-18, 18),
            (rng.normal(0, 2.0) + drift(2.0, 0.45)).clip(-7, 7),
        ],
        axis=1,
    )
    shift = np.stack([drift(0.03, 0.5), drift(0.02, 0.4), drift(0.05, 0.6)], axis=1)
    fixations = np.cumsum(rng.random(frames) < 1.2 / rate)
    glances = rng.normal(0, (0.10, 0.05), (frames, 2))[fixations]
    gaze = gaussian_filter1d(glances, 0.6, axis=0) - 0.5 * np.radians(degrees)[:, [1, 0]]
    return Performance(
        expressions=weights,
        rotation=np.radians(degrees).astype(np.float32),
        shift=shift.astype(np.float32),
        gaze=gaze.astype(np.float32),
    )


def pose(mesh: Mesh, head: Head, performance: Performance, frame: int) -> Floats:
    """Vertices (V, 3) of one frame: expression, then head rotation shared out along the neck."""
    vertices = head.vertices + np.tensordot(performance.expressions[frame], head.expressions, 1)
    turn = performance.rotation[frame] * mesh.head_share[:, None]
    return _rotate(vertices - PIVOT, turn) + PIVOT + performance.shift[frame]


def vertex_normals(vertices: Floats, triangles: NDArray[np.int64]) -> Floats:
    """Unit normals (V, 3), averaged over the adjoining triangles by area."""
    a, b, c = vertices[triangles].transpose(1, 0, 2)
    faces = np.cross(b - a, c - a)
    corner = triangles.ravel()
    normals = np.stack(
        [np.bincount(corner, np.repeat(faces[:, k], 3), len(vertices)) for k in range(3)], axis=1
    )
    return (normals / np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-9)).astype(np.float32)


def above_collar(identity: Identity, positions: Floats) -> Floats:
    """Signed height of base-mesh positions (N, 3) over the collar of the clothes."""
    x, y, z = positions.T
    height, depth = identity.neckline
    dip = depth * (1 - np.abs(x) / 0.45).clip(0, 1) * (z > 0.2)
    shoulders = 0.6 * smoothstep(0.5, 0.9, np.abs(x))
    return (y - height + dip + 0.3 * (z - 0.6) - shoulders).astype(np.float32)


def _expression(mesh: Mesh, identity: Identity, name: str) -> Floats:
    """One expression, mixed from the forms MakeHuman gives it for each ancestry."""
    forms = (
        share * mesh.target(f"expression/units/{people}/{name}")
        for people, share in identity.ancestry.items()
    )
    return np.sum(list(forms), axis=0)


def _cover(mesh: Mesh, identity: Identity) -> Floats:
    """Thickness of hair and clothes over the skin at each vertex, (V,)."""
    rng = seeded(identity.name, "cover")
    height = above_hairline(identity.hair, mesh.vertices)
    waves = rng.normal(0, 1, (4, 3)) @ (2.2 * mesh.vertices.T) + rng.uniform(0, 6, (4, 1))
    volume = 1 + 0.12 * np.sin(waves).sum(0)
    hair = identity.hair.thickness * smoothstep(-0.02, 0.4, height) * volume
    hair *= 1 - mesh.vertex_mask("ears")
    cloth = 0.045 * smoothstep(0.03, -0.03, above_collar(identity, mesh.vertices))
    return (hair + cloth).astype(np.float32)


def _blinks(rng: np.random.Generator, frames: int, rate: float) -> Floats:
    """Closure of the eyes, wide open at rest: a blink of about 0.25 s every second or two."""
    closure = np.zeros(frames, np.float32)
    time = np.arange(frames) / rate
    start = rng.uniform(0.1, 2.4)
    while start < time[-1]:
        closure = np.maximum(closure, np.exp(-(((time - start) / 0.07) ** 4)))
        start += rng.uniform(0.9, 1.8)
    return (1.1 * closure - 0.08).astype(np.float32)


def _rotate(points: Floats, turn: Floats) -> Floats:
    """Rodrigues' rotation of (V, 3) points by per-point rotation vectors (V, 3)."""
    angle = np.linalg.norm(turn, axis=1, keepdims=True)
    axis = turn / angle.clip(1e-9)
    cosine, sine = np.cos(angle), np.sin(angle)
    along = (axis * points).sum(1, keepdims=True)
    return points * cosine + np.cross(axis, points) * sine + axis * along * (1 - cosine)


def _directions(count: int) -> Floats:
    """Unit vectors spread evenly over the sphere (Fibonacci lattice)."""
    index = np.arange(count) + 0.5
    height, angle = 1 - 2 * index / count, np.pi * (1 + np.sqrt(5)) * index
    ring = np.sqrt(1 - height**2)
    return np.stack([ring * np.cos(angle), height, ring * np.sin(angle)], axis=1)


def _visibility(vertices: Floats, triangles: NDArray[np.int64], directions: Floats) -> Floats:
    """Share of `directions` (D, 3), weighted by cosine, along which each vertex sees out, (V,)."""
    normals = vertex_normals(vertices, triangles)
    total, seen = np.full(len(vertices), 1e-6), np.zeros(len(vertices))
    size = 320
    for direction in directions:
        right = np.cross([0.0, 1.0, 0.01], direction)
        right /= np.linalg.norm(right)
        screen = np.stack([vertices @ right, -(vertices @ np.cross(direction, right))], axis=1)
        screen = (screen - screen.min(0)) / np.ptp(screen, axis=0).max() * (size - 1)
        depth = -(vertices @ direction)
        cover = rasterize(screen.astype(np.float32), depth, triangles, (size, size))
        nearest = np.full(size * size, np.inf)
        nearest[cover.pixels] = cover.blend(depth[triangles][..., None])[:, 0]
        column, row = screen.round().astype(int).T
        cosine = (normals @ direction).clip(0)
        total += cosine
        seen += cosine * (depth < nearest[row * size + column] + 0.06)
    return np.where(total > 0.01, seen / total, 0.0)


def _smoother(mesh: Mesh) -> csr_matrix:
    """Matrix (V, V) that averages each vertex with its neighbours."""
    edges = mesh.triangles[:, [0, 1, 1, 2, 2, 0, 1, 0, 2, 1, 0, 2]].reshape(-1, 2)
    count = len(mesh.vertices)
    here = np.arange(count)
    rows, columns = np.concatenate([edges[:, 0], here]), np.concatenate([edges[:, 1], here])
    matrix = csr_matrix((np.ones(len(rows)), (rows, columns)), (count, count))
    return csr_matrix(matrix.multiply(1 / matrix.sum(1)))
