"""A contact sheet: what extraction saw and kept of each video, for a person to judge at a glance.

Colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), told apart by everybody.
"""

from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from dfd.arrays import Image
from dfd.errors import VideoError
from dfd.faces.detectors import load_face_detector
from dfd.faces.extract import extract_faces, find_faces
from dfd.faces.face import Face
from dfd.faces.record import Crop, VideoFaces, nothing
from dfd.files import readable
from dfd.params.faces import CropParams
from dfd.video.frame import Frame
from dfd.video.frames import read_frames, sample_indices
from dfd.video.packets import list_packets
from dfd.words import counted

T = TypeVar("T")

WIDTH = 1600
_FRAMES, _CROPS = 5, 16  # in a row
_GAP = 8
_FRAME = (WIDTH - _GAP) // _FRAMES - _GAP
_CROP = (WIDTH - _GAP) // _CROPS - _GAP
_LINE = 26
_NAME = 60  # letters of a file name; the account stands beside it

_PAPER, _INK, _DROPPED, _ALARM = (255, 255, 255), (30, 30, 30), (170, 170, 170), (0, 0, 190)
# BGR: orange, sky blue, bluish green, yellow, reddish purple
_TRACKS = ((0, 159, 230), (233, 180, 86), (115, 158, 0), (66, 228, 240), (167, 121, 204))


def video_sheet(path: Path, params: CropParams) -> Image:
    """Return one video's block: its account, some sampled frames as seen, and the kept crops.

    Returns:
        uint8 (H, WIDTH, 3) BGR. Boxes and landmarks have the colour of their track, faces that
        were found but not kept are grey.

    Raises:
        WeightsError: The face detector cannot be loaded.
    """
    detector = load_face_detector(params)
    faces = extract_faces(path, params, detector)
    try:
        packets = list_packets(path)
        sampled = sample_indices(packets.frames, params.frames_per_video)
        frames = list(read_frames(path, packets, _some(sampled, _FRAMES)))
    except VideoError:
        return block(path, faces, [], [])
    pictures = []
    for frame in frames:
        found = find_faces(frame, detector, params)
        pictures.append(_drawn(frame, found, faces.crops, params))
    size = f"{frames[0].width}x{frames[0].height}, {packets.duration:.1f} s" if frames else ""
    return block(path, faces, pictures, [size] if size else [])


def failed_sheet(path: Path, reason: str, detail: str) -> Image:
    """Return the block of a video of which nothing is known but why."""
    return block(path, nothing(reason, detail), [], [])


def contact_sheet(blocks: Sequence[Image]) -> Image:
    """Return the blocks of several videos, with a legend on top.

    Returns:
        uint8 (H, N * WIDTH, 3) BGR: the blocks one below the other, in so many columns, read one
        after another, that the sheet stays about twice as high as wide.
    """
    legend = _text_line("boxes: number of the track, and score; grey: found, not kept", _INK)
    rule = np.full((2, WIDTH, 3), _DROPPED, np.uint8)
    columns = max(1, round(sqrt(sum(len(one) for one in blocks) / (2 * WIDTH))))
    length = -(-len(blocks) // columns)
    stacks = []
    for first in range(0, len(blocks), length):
        parts = [legend]
        for one in blocks[first : first + length]:
            parts += [rule, one]
        stacks.append(np.vstack(parts))
    sheet = np.full((max(map(len, stacks)), len(stacks) * WIDTH, 3), _PAPER, np.uint8)
    for column, stack in enumerate(stacks):
        sheet[: len(stack), column * WIDTH : (column + 1) * WIDTH] = stack
    return sheet


def block(path: Path, faces: VideoFaces, pictures: Sequence[Image], facts: Sequence[str]) -> Image:
    """Return the account of a video above its pictures and the crops of each of its tracks."""
    counts = (
        f"{faces.asked} asked, {faces.decoded} decoded, {faces.with_face} with a face, "
        f"{faces.kept} kept, {counted(faces.tracks, 'track')}"
    )
    rows = [_text_line("   ".join([_name(path), *facts, counts]), _INK)]
    if faces.reason:
        rows.append(_text_line(_drawable(f"no crop: {faces.reason} ({faces.detail})"), _ALARM))
    if pictures:
        rows.append(_row(pictures))
    for track in range(faces.tracks):
        crops = [crop for crop in faces.crops if crop.track == track]
        rows.append(_row([_crop_cell(crop) for crop in _some(crops, _CROPS)]))
    return np.vstack(rows)


def _some(items: Sequence[T], count: int) -> list[T]:
    return [items[index] for index in sample_indices(len(items), count)]


def _drawn(frame: Frame, found: Sequence[Face], kept: Sequence[Crop], params: CropParams) -> Image:
    """Return the frame, shrunk to its cell, with every face found in it."""
    image = frame.image(_FRAME)
    across, down = image.shape[1] / frame.width, image.shape[0] / frame.height
    tracks = {crop.face.box: crop.track for crop in kept if crop.frame == frame.index}
    for face in sorted(found, key=lambda one: one.box in tracks):  # the kept ones on top
        track = tracks.get(face.box)
        if track is None:
            small = face.size < params.min_face
            label = "too small" if small else f"over max_tracks {params.max_tracks}"
            _draw_face(image, face.scaled(across, down), _DROPPED, label)
        else:
            label = f"{track}: {face.score:.2f}"
            _draw_face(image, face.scaled(across, down), _TRACKS[track % len(_TRACKS)], label)
    _draw_label(image, f"{frame.time_s:.1f} s", (3, image.shape[0] - 5), _PAPER)
    return image


def _draw_face(image: Image, face: Face, colour: tuple[int, int, int], label: str) -> None:
    x1, y1, x2, y2 = (round(value) for value in face.box)
    radius = 2 if face.size > 60 else 1
    for shade, wider in (((0, 0, 0), 2), (colour, 0)):  # an outline reads on any background
        cv2.rectangle(image, (x1, y1), (x2, y2), shade, 2 + wider, cv2.LINE_AA)
        for x, y in face.landmarks:
            cv2.circle(image, (round(x), round(y)), radius + wider, shade, -1, cv2.LINE_AA)
    _draw_label(image, label, (x1, y1 - 5 if y1 > 16 else y2 + 13), colour)


def _draw_label(
    image: Image, text: str, place: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    left, base = max(2, min(place[0], image.shape[1] - width - 2)), place[1]
    corner = (left + width + 2, base + below)
    cv2.rectangle(image, (left - 2, base - height - 2), corner, (0, 0, 0), -1)
    cv2.putText(image, text, (left, base), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)


def _crop_cell(crop: Crop) -> Image:
    pixels = cv2.imdecode(np.frombuffer(crop.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None  # this process has just encoded it
    cell = np.asarray(cv2.resize(pixels, (_CROP, _CROP), interpolation=cv2.INTER_AREA), np.uint8)
    colour = _TRACKS[crop.track % len(_TRACKS)]
    cv2.rectangle(cell, (0, 0), (_CROP - 1, _CROP - 1), colour, 2)
    _draw_label(cell, str(crop.frame), (5, _CROP - 6), colour)
    return cell


def _row(images: Sequence[Image]) -> Image:
    row = np.full((max(image.shape[0] for image in images) + _GAP, WIDTH, 3), _PAPER, np.uint8)
    left = _GAP
    for image in images:
        row[: image.shape[0], left : left + image.shape[1]] = image
        left += image.shape[1] + _GAP
    return row


def _text_line(text: str, colour: tuple[int, int, int]) -> Image:
    line = np.full((_LINE, WIDTH, 3), _PAPER, np.uint8)
    cv2.putText(line, text, (_GAP, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)
    return line


def _name(path: Path) -> str:
    """Return the file's name, its middle left out where it would push the account off the line."""
    name = _drawable(readable(Path(path.name)))
    return name if len(name) <= _NAME else f"{name[: _NAME - 20]}…{name[-19:]}"


def _drawable(text: str) -> str:
    """Return text without what has no glyph: line ends, other control and direction marks."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )
