"""From one video to its face crops, and an account of every frame that was asked for."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2

from dfd.errors import VideoError
from dfd.faces.crops import sharpness, square_crop
from dfd.faces.detector import Face, FaceDetector, Image
from dfd.faces.tracks import TrackLinker, persistent_tracks
from dfd.faces.video import Frame, probe, read_frames, sample_indices
from dfd.params import FacesParams

Reason = Literal["unreadable", "no_face", "face_too_small"]


@dataclass(frozen=True)
class Crop:
    """One square face image of a track at a frame.

    Attributes:
        frame: Index of the frame in the clip.
        time_s: Seconds since the clip's first frame.
        track: Number of the track, 0 the most persistent.
        face: Box, landmarks (pixels of the upright frame) and score.
        sharpness: Variance of the Laplacian of the grey crop.
        jpeg: The encoded crop, ``crop_size`` pixels a side.
    """

    frame: int
    time_s: float
    track: int
    face: Face
    sharpness: float
    jpeg: bytes


@dataclass(frozen=True)
class VideoFaces:
    """The crops of one video, by frame and track, and what became of its frames.

    ``asked >= decoded >= with_face >= kept`` count sampled frames: those asked for, decoded, with
    any detected face, and with a kept crop. ``frames`` counts the clip's frames. ``reason`` says
    why nothing was kept, None when something was, and ``detail`` explains it in one line.
    """

    frames: int
    asked: int
    decoded: int
    with_face: int
    kept: int
    tracks: int
    crops: tuple[Crop, ...]
    reason: Reason | None
    detail: str


def extract_faces(path: Path, params: FacesParams, detector: FaceDetector) -> VideoFaces:
    """Sample a video's frames, find and follow its faces, and crop them.

    A video that cannot be used gives a ``reason``, not an exception. Every frame is dropped as soon
    as its crops are encoded, so memory does not grow with the frames' size.
    """
    try:
        return _extract(path, params, detector)
    except VideoError as error:
        detail = str(error).removeprefix(f"{path}: ")
        return VideoFaces(0, 0, 0, 0, 0, 0, (), "unreadable", detail)


def _extract(path: Path, params: FacesParams, detector: FaceDetector) -> VideoFaces:
    total = probe(path).frames
    indices = sample_indices(total, params.frames_per_video)
    link = TrackLinker()
    candidates: list[Crop] = []
    decoded = with_face = 0
    for frame in read_frames(path, indices):
        found = detector(frame.image)
        faces = [face for face in found if face.size >= params.min_face]
        decoded += 1
        with_face += bool(found)
        for face, track in zip(faces, link(faces), strict=True):
            candidates.append(_crop(frame, face, track, params))
    numbers = persistent_tracks(((crop.track, crop.face) for crop in candidates), params.max_tracks)
    crops = sorted(
        (replace(crop, track=numbers[crop.track]) for crop in candidates if crop.track in numbers),
        key=lambda crop: (crop.frame, crop.track),
    )
    reason, detail = _why_nothing(bool(crops), with_face, decoded, params)
    return VideoFaces(
        frames=total,
        asked=len(indices),
        decoded=decoded,
        with_face=with_face,
        kept=len({crop.frame for crop in crops}),
        tracks=len(numbers),
        crops=tuple(crops),
        reason=reason,
        detail=detail,
    )


def _crop(frame: Frame, face: Face, track: int, params: FacesParams) -> Crop:
    image = square_crop(frame.image, face.box, params.margin, params.crop_size)
    return Crop(
        frame=frame.index,
        time_s=frame.time_s,
        track=track,
        face=face,
        sharpness=sharpness(image),
        jpeg=_jpeg(image, params.jpeg_quality),
    )


def _jpeg(image: Image, quality: int) -> bytes:
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()


def _why_nothing(
    any_crop: bool, with_face: int, decoded: int, params: FacesParams
) -> tuple[Reason | None, str]:
    if any_crop:
        return None, ""
    if with_face:
        return "face_too_small", f"no face is {params.min_face} pixels or larger"
    if decoded:
        return "no_face", f"no face scores {params.min_score} or more in {decoded} frames"
    return "unreadable", "none of the frames asked for can be decoded"
