"""What extraction finds in one video: its crops, and what became of its frames."""

from dataclasses import dataclass

from dfd.faces.face import Face


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
    why nothing was kept, None when something was: ``unreadable``, ``no_face``, ``face_too_small``,
    or one of ``VideoGivenUp``. ``detail`` explains it in one line. ``duration_s`` is in seconds,
    None where the container does not say; ``width`` and ``height`` are upright square pixels of the
    first decoded frame, 0 where no frame could be decoded.
    """

    frames: int
    asked: int
    decoded: int
    with_face: int
    kept: int
    tracks: int
    crops: tuple[Crop, ...]
    reason: str | None
    detail: str
    duration_s: float | None = None
    width: int = 0
    height: int = 0


def nothing(reason: str, detail: str) -> VideoFaces:
    """Return the result of a video of which nothing is known but why."""
    return VideoFaces(0, 0, 0, 0, 0, 0, (), reason, detail)
