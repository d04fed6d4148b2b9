"""The section ``faces`` of ``params.yaml``: what crops are."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from dfd.params.section import Count, Section

FaceDetectorName = Literal["retinaface-mobilenet", "retinaface-resnet50"]


class CropParams(Section):
    """How faces are found and cropped; a detector carries these and crops as it was trained.

    Attributes:
        detector: Face detector by name.
        frames_per_video: Frames sampled evenly over the whole clip, or ``all``.
        detection_size: Longest side in pixels at which faces are looked for; never enlarged.
        min_score: Detections below this score, 0..1, are dropped.
        min_face: Faces whose longer side is under this many source pixels are dropped.
        max_tracks: Most persistent tracks kept per video.
        margin: Share of the face box's longer side added on each side of the square crop.
        crop_size: Side of a stored crop in pixels.
        jpeg_quality: Quality of the stored crops, 1..100.
    """

    SECTION: ClassVar[str] = "faces"

    detector: FaceDetectorName
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
    """The section ``faces``: what the crops are, and how the stage stores them.

    Attributes:
        shards: Number of tar files the crops are spread over.
    """

    shards: Annotated[int, Field(ge=1, le=4096)]

    @property
    def crop(self) -> CropParams:
        """What the crops depend on."""
        return CropParams.model_validate(self.model_dump(include=set(CropParams.model_fields)))
