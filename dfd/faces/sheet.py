"""A contact sheet: what extraction saw and kept of each video, for a person to judge at a glance.

Colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), told apart by everybody.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from dfd.errors import VideoError
from dfd.faces.backends import load_face_detector
from dfd.faces.detector import Face, Image
from dfd.faces.extract import Crop, VideoFaces, extract_faces, nothing
from dfd.faces.frame import Frame
from dfd.faces.packets import list_packets
from dfd.faces.video import read_frames, sample_indices
from dfd.files import readable
from dfd.params import CropParams

T = TypeVar("T")

WIDTH = 1600
_FRAMES, _CROPS = 5, 16  # in a row
_GAP = 8
_FRAME = (WIDTH - _GAP) // _FRAMES - _GAP
_CROP = (WIDTH - _GAP) // _CROPS - _GAP
_LINE = 26

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
        small = frame.image(params.detection_size)
        across, down = frame.width / small.shape[1], frame.height / small.shape[0]
        found = [face.scaled(across, down) for face in detector(small)]
        pictures.append(_drawn(frame, found, faces.crops, params))
    size = f"{frames[0].width}x{frames[0].height}, {packets.duration:.1f} s" if frames else ""
    return block(path, faces, pictures, [size] if size else [])


def failed_sheet(path: Path, reason: str, detail: str) -> Image:
    """Return the block of a video of which nothing is known but why."""
    return block(path, nothing(reason, detail), [], [])


def contact_sheet(blocks: Sequence[Image]) -> Image:
    """Return the blocks of several videos, one below the other, with a legend on top."""
    legend = _text_line("boxes: colour of the track, and score; grey: found, not kept", _INK)
    rule = np.full((2, WIDTH, 3), _DROPPED, np.uint8)
    rows = [legend]
    for one in blocks:
        rows += [rule, one]
    return np.vstack(rows)


def block(path: Path, faces: VideoFaces, pictures: Sequence[Image], facts: Sequence[str]) -> Image:
    """Return the account of a video above its pictures and the crops of each of its tracks."""
    counts = (
        f"{faces.asked} asked, {faces.decoded} decoded, {faces.with_face} with a face, "
        f"{faces.kept} kept, {faces.tracks} track{'' if faces.tracks == 1 else 's'}"
    )
    rows = [_text_line("   ".join([_ascii(readable(Path(path.name))), *facts, counts]), _INK)]
    if faces.reason:
        rows.append(_text_line(_ascii(f"no crop: {faces.reason} ({faces.detail})"), _ALARM))
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
            label = "too small" if face.size < params.min_face else "not kept"
            _draw_face(image, face.scaled(across, down), _DROPPED, label)
        else:
            label = f"{face.score:.2f}"
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
    _draw_label(image, label, (max(0, x1), y1 - 5 if y1 > 16 else y2 + 13), colour)


def _draw_label(
    image: Image, text: str, place: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    left, base = place
    corner = (left + width + 2, base + below)
    cv2.rectangle(image, (left - 2, base - height - 2), corner, (0, 0, 0), -1)
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)


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


def _ascii(text: str) -> str:
    """Return text that OpenCV's font has."""
    return text.encode("ascii", "backslashreplace").decode().replace("\n", "\\n")
