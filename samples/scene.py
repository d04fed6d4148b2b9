"""Shading, room and camera: posed vertices in, one noisy frame of video out.

Light adds up in linear colour and is encoded by a simple exposure curve and gamma. Skin wraps its
diffuse light further round in red than in blue, a cheap stand-in for scattering under the skin.
Colour order is blue, green, red throughout.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from samples.head import EYES, Head, Performance, above_collar, pose, vertex_normals
from samples.identity import Identity, seeded
from samples.mesh import Mesh, Part, uv_pixels
from samples.paint import SIZE, smoothstep
from samples.raster import Coverage, rasterize

Floats = NDArray[np.floating[Any]]
Image = NDArray[Any]

WIDTH, HEIGHT = 400, 336
OVERSAMPLING = 2
DISTANCE = 11.0
"""From the camera to the face, in mesh units (decimetres)."""
CENTRE = (7.3, 1.2)
"""Height and depth of the point in the middle of the frame."""
FACE = 1.75
"""From chin to hairline on the base mesh."""
WRAP = np.array([0.08, 0.13, 0.34], np.float32)


@dataclass(frozen=True)
class Stage:
    """All that stays the same from frame to frame of one clip."""

    mesh: Mesh
    identity: Identity
    head: Head
    texture: Floats
    backdrop: Floats


def project(identity: Identity, vertices: Floats) -> tuple[Floats, Floats]:
    """Perspective projection.

    Returns:
        (V, 2) positions in frame pixels as (column, row), and (V,) distances from the camera.
    """
    depth = CENTRE[1] + DISTANCE - vertices[:, 2]
    scale = identity.face_height / FACE * DISTANCE / depth
    columns = (WIDTH - 1) / 2 + vertices[:, 0] * scale
    rows = (HEIGHT - 1) / 2 - (vertices[:, 1] - CENTRE[0]) * scale
    return np.stack([columns, rows], axis=1).astype(np.float32), depth.astype(np.float32)


def film(
    stage: Stage, performance: Performance, frame: int, landmarks: NDArray[np.int64]
) -> tuple[Image, Floats]:
    """Render one frame as the camera records it.

    Args:
        stage: The clip's constants.
        performance: What the head does.
        frame: Which frame.
        landmarks: (L,) vertex indices.

    Returns:
        (HEIGHT, WIDTH, 3) uint8 frame, and the landmarks' (L, 2) positions in it.
    """
    vertices = pose(stage.mesh, stage.head, performance, frame)
    points, depth = project(stage.identity, vertices)
    size = (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING)
    samples = (points + 0.5) * OVERSAMPLING - 0.5
    cover = rasterize(samples, depth, stage.mesh.triangles, size)
    colour = np.zeros((size[0] * size[1], 4), np.float32)
    colour[cover.pixels, :3] = _shade(stage, vertices, cover, performance.gaze[frame])
    colour[cover.pixels, 3] = 1
    layer = cv2.resize(
        colour.reshape(size[1], size[0], 4), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA
    )
    picture = layer[..., :3] + (1 - layer[..., 3:]) * stage.backdrop
    picture = cv2.GaussianBlur(picture, (0, 0), stage.identity.blur)
    rng = seeded(stage.identity.name, "sensor", frame)
    return _record(picture, stage.identity.noise, rng), points[landmarks]


def make_backdrop(name: str) -> Floats:
    """A room out of focus, linear (HEIGHT, WIDTH, 3): a gradient, soft shapes, a weak texture."""
    rng = seeded(name, "backdrop")
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32) / HEIGHT
    base = rng.uniform(0.08, 0.4) * rng.uniform(0.85, 1.15, 3)
    slope = rng.normal(0, 0.35, 2)
    wall = np.exp(slope[0] * (rows - 0.5) + slope[1] * (columns - 0.66))[..., None] * base
    for _ in range(int(rng.integers(3, 9))):
        centre, radius = rng.uniform((0, 0), (1, 1.34)), rng.uniform(0.05, 0.3, 2)
        power = float(rng.choice([2, 8]))
        away = (
            np.abs((rows - centre[0]) / radius[0]) ** power
            + np.abs((columns - centre[1]) / radius[1]) ** power
        )
        share = rng.uniform(0.2, 0.6) * smoothstep(1.5, 0.6, away)
        wall += share[..., None] * (rng.uniform(0.03, 0.5) * rng.uniform(0.85, 1.15, 3) - wall)
    grid = rng.standard_normal((HEIGHT // 5, WIDTH // 5, 1)).astype(np.float32)
    weave = cv2.resize(grid, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    wall *= np.exp(rng.uniform(0.0, 0.04) * weave)[..., None]
    return cv2.GaussianBlur(wall.astype(np.float32), (0, 0), 3.0)


def _shade(stage: Stage, vertices: Floats, cover: Coverage, gaze: Floats) -> Floats:
    """Radiance (P, 3) towards the camera of every covered sample."""
    mesh, head, light = stage.mesh, stage.head, stage.identity.light
    place = np.concatenate(
        [
            vertex_normals(vertices, mesh.triangles),
            mesh.vertices,
            vertices,
            head.sky[:, None],
            head.lit[:, None],
        ],
        axis=1,
    )
    blended = cover.blend(place[mesh.triangles])
    normal = _unit(blended[:, :3])
    rest, sky, lit = blended[:, 3:6], blended[:, 9], blended[:, 10]
    surface = _surface(stage, cover, rest, gaze)
    albedo, gloss = surface[:, :3], surface[:, 3]
    part = mesh.parts[cover.triangles]
    mouth = (part == Part.TEETH) | (part == Part.TONGUE)  # baked shut, but seen only when open
    sky, lit = np.where(mouth, 0.35, sky), np.where(mouth, 0.3, lit)
    up = 0.5 + 0.5 * normal[:, 1:2]
    ambient = (up * np.array(light.sky) + (1 - up) * np.array(light.ground)) * (
        0.12 + 0.88 * sky[:, None]
    )
    facing = (normal @ np.array(light.key, np.float32))[:, None]
    shadow = lit[:, None].clip(0) ** np.array([1.3, 1.15, 0.8], np.float32)
    direct = ((facing + WRAP) / (1 + WRAP)).clip(0) * shadow * np.array(light.key_colour)
    fill = 0.22 * ((normal @ np.array(light.fill, np.float32)).clip(0) * sky)[:, None]
    view = _unit(np.array([0, CENTRE[0], CENTRE[1] + DISTANCE], np.float32) - blended[:, 6:9])
    half = _unit(view + np.array(light.key, np.float32))
    sharp = np.where(part == Part.EYE, 180.0, 18.0)
    strength = np.where(part == Part.EYE, 1.6, 0.22 * gloss)
    glint = strength * (normal * half).sum(1).clip(0) ** sharp * lit
    rim = 0.06 * gloss * (1 - (normal * view).sum(1).clip(0)) ** 3 * sky
    return (albedo * (ambient + direct + fill) + (glint + rim)[:, None]).astype(np.float32)


def _surface(stage: Stage, cover: Coverage, rest: Floats, gaze: Floats) -> Floats:
    """Albedo and gloss (P, 4) of every covered sample, by the part it belongs to."""
    part = stage.mesh.parts[cover.triangles]
    surface = np.zeros((len(part), 4), np.float32)
    surface[part == Part.TEETH] = (0.34, 0.42, 0.46, 0.8)
    surface[part == Part.TONGUE] = (0.1, 0.1, 0.32, 0.6)
    surface[part == Part.LASH] = (0.01, 0.01, 0.015, 0.0)
    eye = part == Part.EYE
    surface[eye, :3] = _eyes(stage.identity, rest[eye], gaze)
    skin = np.flatnonzero(part == Part.SKIN)
    seen = Coverage(cover.pixels[skin], cover.triangles[skin], cover.weights[skin])
    column, row = uv_pixels(seen.blend(stage.mesh.corner_uv), SIZE).astype(np.float32).T
    surface[skin] = _lookup(stage.texture, column, row)
    cloth = smoothstep(0.012, -0.012, above_collar(stage.identity, rest[skin]))[:, None]
    x, y, _ = rest[skin].T
    knit = 1 + 0.07 * np.sin(95 * x + 2 * np.sin(40 * y)) * np.sin(60 * y)
    woven = np.append(np.array(stage.identity.clothes), 0.05) * knit[:, None]
    surface[skin] += cloth * (woven - surface[skin])
    return surface


def _lookup(texture: Floats, column: Floats, row: Floats) -> Floats:
    """Bilinear samples (P, 4) of a texture; OpenCV wants the points laid out as an image."""
    count, width = len(column), 1024
    padded = np.zeros((2, -(-count // width) * width), np.float32)
    padded[0, :count], padded[1, :count] = column, row
    columns, rows = padded.reshape(2, -1, width)
    return cv2.remap(texture, columns, rows, cv2.INTER_LINEAR).reshape(-1, 4)[:count]


def _eyes(identity: Identity, rest: Floats, gaze: Floats) -> Floats:
    """Albedo (P, 3) of the eyeballs: white, iris, its dark rim, pupil, shade under the lids."""
    centre = EYES[(rest[:, 0] < 0).astype(int)]
    direction = _unit(rest - centre)
    look = _unit(np.array([np.sin(gaze[0]), -np.sin(gaze[1]), 1.0], np.float32)[None])[0]
    angle = np.arccos((direction @ look).clip(-1, 1))[:, None]
    white = np.array([0.55, 0.6, 0.66], np.float32) * (1 - 0.5 * smoothstep(0.5, 1.1, angle))
    white *= 1 - 0.45 * smoothstep(0.12, 0.42, direction[:, 1:2])
    spokes = 1 + 0.25 * np.sin(
        9 * np.arctan2(direction[:, 1:2] - look[1], direction[:, 0:1] - look[0])
    )
    iris = np.array(identity.iris, np.float32) * (0.7 + smoothstep(0.14, 0.36, angle)) * spokes
    iris *= 1 - 0.75 * smoothstep(0.34, 0.43, angle)
    colour = iris + smoothstep(0.40, 0.47, angle) * (white - iris)
    return colour * smoothstep(0.13, 0.18, angle)


def _unit(vectors: Floats) -> Floats:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-9)


def _record(picture: Floats, deviation: float, rng: np.random.Generator) -> Image:
    """Expose, encode to 8 bits, and add the sensor's noise, which grows with the light."""
    grey = 255 * (1 - np.exp(-1.35 * picture)).clip(0, 1) ** (1 / 2.2)
    spread = deviation * np.sqrt(0.35 + 1.3 * grey / 255)
    noisy = grey + spread * rng.standard_normal(grey.shape, np.float32)
    return noisy.round().clip(0, 255).astype(np.uint8)
