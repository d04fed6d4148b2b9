"""Linking the faces of successive sampled frames into tracks: one person through a video."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import product
from math import hypot

from dfd.faces.face import Box, Face

# Sampled frames may lie a second apart: a face may leave its previous box, but not move far.
_MAX_SHIFT = 1.0  # distance between the centres, in units of the mean face size
_MAX_GROWTH = 2.0  # ratio of the two sizes


class TrackLinker:
    """Assigns each face of the next frame to the track that it continues, or to a new track.

    Pairs of a track and a face are linked greedily, in descending order of their overlap less the
    shift of the centres. A track without a face in some frames stays at its last position and can
    be continued later.

    Example:
        >>> link = TrackLinker()
        >>> left = Face((0, 0, 40, 40), ((20, 20),) * 5, 0.9)
        >>> right = Face((100, 0, 140, 40), ((120, 20),) * 5, 0.9)
        >>> link([left, right]), link([right, left]), link([right])
        ([0, 1], [1, 0], [1])
    """

    def __init__(self) -> None:
        self._last: list[Face] = []

    def __call__(self, faces: Sequence[Face]) -> list[int]:
        """Return the track number of each face of a frame; no two faces share a track."""
        pairs = (
            (_affinity(self._last[track], face), track, position)
            for track, (position, face) in product(range(len(self._last)), enumerate(faces))
        )
        likely = [
            (-score, track, position) for score, track, position in pairs if score is not None
        ]
        linked: dict[int, int] = {}
        taken: set[int] = set()
        for _, track, position in sorted(likely):
            if track not in taken and position not in linked:
                linked[position] = track
                taken.add(track)
        for position, face in enumerate(faces):
            if position in linked:
                self._last[linked[position]] = face
            else:
                linked[position] = len(self._last)
                self._last.append(face)
        return [linked[position] for position in range(len(faces))]


def persistent_tracks(tracked: Iterable[tuple[int, Face]], max_tracks: int) -> dict[int, int]:
    """Choose the tracks to keep and number them from 0, the most persistent first.

    Args:
        tracked: Every pair of track and face of a video, one face per track and frame.
        max_tracks: Greatest number of tracks to keep.

    Returns:
        The new number of each kept track, by its old one. Tracks are ordered by their number of
        frames, then by their mean area, then by their first frame.
    """
    areas: dict[int, list[float]] = defaultdict(list)
    for track, face in tracked:
        areas[track].append(face.area)
    ranked = sorted(
        areas, key=lambda track: (-len(areas[track]), -sum(areas[track]) / len(areas[track]), track)
    )
    return {track: number for number, track in enumerate(ranked[:max_tracks])}


def _affinity(before: Face, after: Face) -> float | None:
    """Return the IoU of two faces less the shift of their centres in units of the mean face size.

    None where the faces are too far apart, or too different in size, to be of one person.
    """
    sizes = (before.size, after.size)
    (bx, by), (ax, ay) = _centre(before.box), _centre(after.box)
    shift = hypot(ax - bx, ay - by) / (sum(sizes) / 2)
    if shift > _MAX_SHIFT or max(sizes) > _MAX_GROWTH * min(sizes):
        return None
    return _iou(before, after) - shift


def _centre(box: Box) -> tuple[float, float]:
    x1, y1, x2, y2 = box
    return (x1 + x2) / 2, (y1 + y2) / 2


def _iou(first: Face, second: Face) -> float:
    """Return the intersection over union of two boxes, 0..1."""
    width = min(first.box[2], second.box[2]) - max(first.box[0], second.box[0])
    height = min(first.box[3], second.box[3]) - max(first.box[1], second.box[1])
    shared = max(0.0, width) * max(0.0, height)
    return shared / (first.area + second.area - shared)
