"""The section ``faces`` of ``params.yaml``: how faces are found and cropped."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from dfd.params.section import Count, Section


class CropParams(Section):
    """How faces are found and cropped; a detector keeps these values and crops as it was trained.

    Attributes:
        detector: Name of the face detector, a key of ``dfd.faces.detectors.FACE_DETECTORS``; the
            name is checked when the face detector is loaded, before any video is opened.
        frames_per_video: Number of frames sampled evenly over the whole video, or ``all``.
        detection_size: Longest side in pixels of the image that the face detector is given; larger
            frames are shrunk to this size, smaller ones are never enlarged.
        min_score: Faces that the face detector scores below this value, 0..1, are dropped.
        min_face: Faces whose longer side is under this many pixels of the frame are dropped.
        max_tracks: Greatest number of tracks kept per video, the most persistent ones.
        margin: Share of the face box's longer side that the square crop adds on each side.
        crop_size: Side of a stored crop in pixels.
        jpeg_quality: JPEG quality of the stored crops, 1..100.
    """

    SECTION: ClassVar[str] = "faces"

    detector: str
    frames_per_video: Count | Literal["all"]
    detection_size: Annotated[int, Field(ge=64, le=4096)]
    min_score: Annotated[float, Field(ge=0, le=1)]
    min_face: Count
    max_tracks: Count
    margin: Annotated[float, Field(ge=0, le=2)]
    crop_size: Annotated[int, Field(ge=32, le=1024)]
    jpeg_quality: Annotated[int, Field(ge=1, le=100)]

    @field_validator("frames_per_video", mode="before")
    @classmethod
    def _number_or_all(cls, value: Any) -> Any:
        if value != "all" and (type(value) is not int or value < 1):
            raise ValueError(f"must be a number from 1 on, or all (got {value!r})")
        return value


class FacesParams(CropParams):
    """The section ``faces``: how crops are made, and how the stage stores them.

    Attributes:
        shards: Number of tar files over which the crops are spread.
    """

    shards: Annotated[int, Field(ge=1, le=4096)]

    @property
    def crop(self) -> CropParams:
        """The values on which the crops depend: all of them but ``shards``."""
        return CropParams.model_validate(self.model_dump(include=set(CropParams.model_fields)))
