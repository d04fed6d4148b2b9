"""Extracting the face crops of one video, with counts of what happened to its sampled frames."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2

from dfd.arrays import Image
from dfd.errors import VideoError
from dfd.faces.crops import sharpness, square_around
from dfd.faces.face import Face, FaceDetector
from dfd.faces.record import Crop, VideoFaces, no_crops
from dfd.faces.tracks import TrackLinker, persistent_tracks
from dfd.params.faces import CropParams
from dfd.video.frame import Frame
from dfd.video.frames import read_frames, sample_indices
from dfd.video.packets import Packets, list_packets


def extract_faces(
    path: Path,
    params: CropParams,
    face_detector: FaceDetector,
    admit: Callable[[Packets], None] = lambda packets: None,
) -> VideoFaces:
    """Sample the frames of a video, find its faces, link them into tracks, and crop them.

    A video that cannot be used gives a result with a ``reason``, not an exception. A frame is
    released as soon as its crops are encoded, so memory does not grow with the length of the video.

    Args:
        path: The video file, the still picture or the folder of frames.
        params: How to find and crop faces.
        face_detector: The face detector, from ``load_face_detector`` or any function of its form.
        admit: Callback that is called with the packets of the video before a frame is decoded, and
            again for each frame that is larger than the header promised, with its size. An
            exception that it raises reaches the caller, so it may refuse long or large videos.

    Raises:
        MemoryError: The video needs more memory than there is.

    Example:
        >>> from dfd.params.faces import FacesParams
        >>> from dfd.params.section import load_section
        >>> def one_face(image):  # stands in for a real face detector
        ...     height, width = image.shape[:2]
        ...     box = (0.4 * width, 0.3 * height, 0.6 * width, 0.7 * height)
        ...     return [Face(box, ((width / 2, height / 2),) * 5, score=0.9)]
        >>> video = Path("samples/videos/ajgbsfvojo.mp4")
        >>> faces = extract_faces(video, load_section(FacesParams).crop, one_face)
        >>> faces.frames, faces.decoded, faces.tracks, len(faces.crops)
        (25, 6, 1, 6)
    """
    try:
        return _extract(path, params, face_detector, admit)
    except VideoError as error:
        return no_crops("unreadable", str(error).removeprefix(f"{path}: "))
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from error
        raise


def _extract(
    path: Path, params: CropParams, face_detector: FaceDetector, admit: Callable[[Packets], None]
) -> VideoFaces:
    packets = list_packets(path)
    admit(packets)
    indices = sample_indices(packets.frames, params.frames_per_video)
    link = TrackLinker()
    candidates: list[Crop] = []
    decoded = with_face = width = height = 0
    for frame in read_frames(path, packets, indices, admit):
        if not decoded:
            width, height = frame.width, frame.height
        faces = find_faces(frame, face_detector, params)
        large = [face for face in faces if face.size >= params.min_face]
        decoded += 1
        with_face += bool(faces)
        for face, track in zip(large, link(large), strict=True):
            candidates.append(_crop(frame, face, track, params))
    numbers = persistent_tracks(((crop.track, crop.face) for crop in candidates), params.max_tracks)
    crops = sorted(
        (replace(crop, track=numbers[crop.track]) for crop in candidates if crop.track in numbers),
        key=lambda crop: (crop.frame, crop.track),
    )
    reason, detail = _why_no_crop(bool(crops), with_face, decoded, params)
    return VideoFaces(
        frames=packets.frames,
        asked=len(indices),
        decoded=decoded,
        with_face=with_face,
        kept=len({crop.frame for crop in crops}),
        tracks=len(numbers),
        crops=tuple(crops),
        reason=reason,
        detail=detail,
        duration_s=packets.duration or None,
        width=width,
        height=height,
    )


def find_faces(frame: Frame, face_detector: FaceDetector, params: CropParams) -> list[Face]:
    """Find the faces of a frame, which is shrunk to ``detection_size`` for the face detector.

    Args:
        frame: The decoded frame.
        face_detector: The face detector.
        params: Of these, only ``detection_size`` is used.

    Returns:
        The faces in pixels of the frame at full size, the highest score first.
    """
    image = frame.image(params.detection_size)
    across, down = frame.width / image.shape[1], frame.height / image.shape[0]
    return [face.scaled(across, down) for face in face_detector(image)]


def _crop(frame: Frame, face: Face, track: int, params: CropParams) -> Crop:
    image = frame.square(*square_around(face.box, params.margin), params.crop_size)
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


def _why_no_crop(
    any_crop: bool, with_face: int, decoded: int, params: CropParams
) -> tuple[str | None, str]:
    """Return the reason why a video gave no crop, and its explanation; None where it gave some."""
    if any_crop:
        return None, ""
    if with_face:
        return "face_too_small", f"no face is {params.min_face} pixels or larger"
    if decoded:
        return "no_face", f"no face scores {params.min_score} or more in {decoded} frames"
    return "unreadable", "none of the frames asked for can be decoded"
