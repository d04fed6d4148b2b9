"""The result of extracting one video: its crops, and counts of its frames."""

from dataclasses import dataclass

from dfd.faces.face import Face


@dataclass(frozen=True)
class Crop:
    """A square face image: one track at one frame.

    Attributes:
        frame: Index of the frame in the video, from 0.
        time_s: Seconds since the first frame of the video.
        track: Number of the track; 0 is the most persistent one.
        face: The face, in pixels of the upright frame.
        sharpness: Variance of the Laplacian of the grey crop.
        jpeg: The crop as a JPEG file, ``crop_size`` pixels wide and high.
    """

    frame: int
    time_s: float
    track: int
    face: Face
    sharpness: float
    jpeg: bytes


@dataclass(frozen=True)
class VideoFaces:
    """The crops of one video, and counts of its frames; ``asked >= decoded >= with_face >= kept``.

    Attributes:
        frames: Number of frames of the video.
        asked: Number of frames that were sampled.
        decoded: Number of sampled frames that could be decoded.
        with_face: Number of decoded frames in which a face was detected.
        kept: Number of frames with at least one crop in ``crops``.
        tracks: Number of tracks in ``crops``.
        crops: The crops, ordered by frame and track.
        reason: Why there is no crop: ``unreadable``, ``no_face``, ``face_too_small``, or a reason
            of ``VideoGivenUp``; None where there are crops.
        detail: The reason explained in one line; empty where there are crops.
        duration_s: Length of the video in seconds; None where the container states none.
        width: Width in square pixels of the first decoded frame, upright; 0 where none could be
            decoded.
        height: Height in square pixels of that frame.
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


def no_crops(reason: str, detail: str) -> VideoFaces:
    """Return the result of a video that gave no crop and whose frames were not counted.

    Args:
        reason: Why, as in ``VideoFaces.reason``.
        detail: The reason explained in one line.

    Example:
        >>> no_crops("unreadable", "is empty").crops
        ()
    """
    return VideoFaces(0, 0, 0, 0, 0, 0, (), reason, detail)
