"""The contact sheet: a picture that shows which faces were found and kept in each video.

The colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), which colour-blind
readers can distinguish too.
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
from dfd.faces.record import Crop, VideoFaces, no_crops
from dfd.files import readable
from dfd.params.faces import CropParams
from dfd.video.frame import Frame
from dfd.video.frames import read_frames, sample_indices
from dfd.video.packets import list_packets
from dfd.words import counted

T = TypeVar("T")

WIDTH = 1600
_FRAMES, _CROPS = 5, 16  # pictures in a row
_GAP = 8
_FRAME = (WIDTH - _GAP) // _FRAMES - _GAP
_CROP = (WIDTH - _GAP) // _CROPS - _GAP
_LINE = 26
_NAME = 60  # letters of a file name; the counts stand beside it

_PAPER, _INK, _DROPPED, _ALARM = (255, 255, 255), (30, 30, 30), (170, 170, 170), (0, 0, 190)
# BGR: orange, sky blue, bluish green, yellow, reddish purple
_TRACKS = ((0, 159, 230), (233, 180, 86), (115, 158, 0), (66, 228, 240), (167, 121, 204))


def video_sheet(path: Path, params: CropParams) -> Image:
    """Draw the block of one video: its counts, some sampled frames with their faces, and its crops.

    Args:
        path: The video file.
        params: How to find and crop faces.

    Returns:
        uint8 (H, WIDTH, 3) BGR. Boxes and landmarks have the colour of their track; faces that were
        found but not kept are grey.

    Raises:
        ParamsError: No face detector has the name in ``params``.
        WeightsError: The face detector cannot be loaded.
    """
    face_detector = load_face_detector(params)
    faces = extract_faces(path, params, face_detector)
    try:
        packets = list_packets(path)
        sampled = sample_indices(packets.frames, params.frames_per_video)
        frames = list(read_frames(path, packets, _sampled(sampled, _FRAMES)))
    except VideoError:
        return _block(path, faces, [], [])
    pictures = []
    for frame in frames:
        in_frame = find_faces(frame, face_detector, params)
        pictures.append(_drawn(frame, in_frame, faces.crops, params))
    size = f"{frames[0].width}x{frames[0].height}, {packets.duration:.1f} s" if frames else ""
    return _block(path, faces, pictures, [size] if size else [])


def failed_sheet(path: Path, reason: str, detail: str) -> Image:
    """Draw the block of a video that was given up, with its reason.

    Args:
        path: The video file.
        reason: Why it was given up, as in ``VideoFaces.reason``.
        detail: The reason explained in one line.

    Returns:
        uint8 (H, WIDTH, 3) BGR.
    """
    return _block(path, no_crops(reason, detail), [], [])


def contact_sheet(blocks: Sequence[Image]) -> Image:
    """Arrange the blocks of several videos in columns, each with a legend on top.

    Args:
        blocks: uint8 (H, WIDTH, 3) BGR each, of any height. At least one.

    Returns:
        uint8 (H, N * WIDTH, 3) BGR. The number of columns N makes the sheet about twice as high as
        wide; the blocks run down the first column, then down the next.

    Example:
        >>> block = failed_sheet(Path("clip.mp4"), "time_limit", "took longer than 900 s")
        >>> contact_sheet([block, block]).shape[1]
        1600
    """
    legend = _text_line("boxes: number of the track, and score; grey: found, not kept", _INK)
    rule = np.full((2, WIDTH, 3), _DROPPED, np.uint8)
    columns = max(1, round(sqrt(sum(len(block) for block in blocks) / (2 * WIDTH))))
    length = -(-len(blocks) // columns)
    stacks = []
    for first in range(0, len(blocks), length):
        parts = [legend]
        for block in blocks[first : first + length]:
            parts += [rule, block]
        stacks.append(np.vstack(parts))
    sheet = np.full((max(map(len, stacks)), len(stacks) * WIDTH, 3), _PAPER, np.uint8)
    for column, stack in enumerate(stacks):
        sheet[: len(stack), column * WIDTH : (column + 1) * WIDTH] = stack
    return sheet


def _block(path: Path, faces: VideoFaces, pictures: Sequence[Image], facts: Sequence[str]) -> Image:
    """Draw a block: name, facts and counts, then a row of frames, then a row of crops per track."""
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
        rows.append(_row([_crop_cell(crop) for crop in _sampled(crops, _CROPS)]))
    return np.vstack(rows)


def _sampled(items: Sequence[T], count: int) -> list[T]:
    return [items[index] for index in sample_indices(len(items), count)]


def _drawn(frame: Frame, faces: Sequence[Face], kept: Sequence[Crop], params: CropParams) -> Image:
    """Return the frame, shrunk to the size of its cell, with its faces drawn into it."""
    image = frame.image(_FRAME)
    across, down = image.shape[1] / frame.width, image.shape[0] / frame.height
    tracks = {crop.face.box: crop.track for crop in kept if crop.frame == frame.index}
    for face in sorted(faces, key=lambda face: face.box in tracks):  # kept faces on top
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
    for shade, wider in (((0, 0, 0), 2), (colour, 0)):  # outlined, to stand out anywhere
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
    """Return the name of the file, shortened in the middle so that the counts fit on the line."""
    name = _drawable(readable(Path(path.name)))
    return name if len(name) <= _NAME else f"{name[: _NAME - 20]}…{name[-19:]}"


def _drawable(text: str) -> str:
    """Return text with escapes for characters that have no glyph, such as line breaks."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )
