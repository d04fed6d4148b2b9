"""One person's face through a video: faces of successive sampled frames linked into tracks."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import product
from math import hypot

from dfd.faces.face import Box, Face

# Sampled frames may lie a second apart, so a face may leave its old box, though not go far.
_MAX_SHIFT = 1.0  # distance of centres in face sizes
_MAX_GROWTH = 2.0  # ratio of sizes


class TrackLinker:
    """Gives every face of the next frame the track it continues, or a new one.

    Pairs are taken greedily, the best overlap (less the shift of the centres) first. A track that
    is not seen for some frames waits where it was last seen.
    """

    def __init__(self) -> None:
        self._last: list[Face] = []

    def __call__(self, faces: Sequence[Face]) -> list[int]:
        """Return one track number per face of this frame, all different."""
        pairs = (
            (_likeness(self._last[track], face), track, place)
            for track, (place, face) in product(range(len(self._last)), enumerate(faces))
        )
        likely = [(-score, track, place) for score, track, place in pairs if score is not None]
        linked: dict[int, int] = {}
        taken: set[int] = set()
        for _, track, place in sorted(likely):
            if track not in taken and place not in linked:
                linked[place] = track
                taken.add(track)
        for place, face in enumerate(faces):
            if place in linked:
                self._last[linked[place]] = face
            else:
                linked[place] = len(self._last)
                self._last.append(face)
        return [linked[place] for place in range(len(faces))]


def persistent_tracks(seen: Iterable[tuple[int, Face]], max_tracks: int) -> dict[int, int]:
    """Number the tracks to keep from 0, the most persistent first.

    Args:
        seen: Every (track, face) of a video, one face per track and frame.
        max_tracks: Most tracks kept.

    Returns:
        Kept track to its new number: most frames first, then the largest mean area, then the
        earliest.
    """
    areas: dict[int, list[float]] = defaultdict(list)
    for track, face in seen:
        areas[track].append(face.area)
    ranked = sorted(
        areas, key=lambda track: (-len(areas[track]), -sum(areas[track]) / len(areas[track]), track)
    )
    return {track: number for number, track in enumerate(ranked[:max_tracks])}


def _likeness(before: Face, after: Face) -> float | None:
    """Return IoU less the centres' shift in face sizes; None when it cannot be one person."""
    sizes = (before.size, after.size)
    (bx, by), (ax, ay) = _centre(before.box), _centre(after.box)
    shift = hypot(ax - bx, ay - by) / (sum(sizes) / 2)
    if shift > _MAX_SHIFT or max(sizes) > _MAX_GROWTH * min(sizes):
        return None
    return _iou(before, after) - shift


def _centre(box: Box) -> tuple[float, float]:
    x1, y1, x2, y2 = box
    return (x1 + x2) / 2, (y1 + y2) / 2


def _iou(one: Face, other: Face) -> float:
    """Return intersection over union of the boxes, 0..1."""
    width = min(one.box[2], other.box[2]) - max(one.box[0], other.box[0])
    height = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.area + other.area - shared)
