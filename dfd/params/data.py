"""The sections ``dataset`` and ``split`` of ``params.yaml``."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from dfd.params.section import Fraction, Section, Seed

Protocol = Literal["group", "official", "frame"]


class DatasetParams(Section):
    """The section ``dataset``: where the labelled videos are and how their labels are stated.

    Attributes:
        videos: The folder of the labelled videos.
        layout: How their labels are stated, a key of ``dfd.dataset.layouts.LAYOUTS``.
        name: Name of the data set; it is stored with every video.
    """

    SECTION: ClassVar[str] = "dataset"

    videos: str
    layout: str
    name: str


class SplitFractions(Section):
    """Share of the videos in each part, 0..1; the three add up to one."""

    train: Fraction
    validation: Fraction
    test: Fraction

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if abs(self.train + self.validation + self.test - 1) > 1e-6:
            raise ValueError("train, validation and test must add up to 1")
        return self


class SplitParams(Section):
    """The section ``split``: how videos are divided into train, validation and test.

    Attributes:
        protocol: ``group`` assigns whole groups to parts; ``official`` uses the parts that the data
            set states; ``frame`` draws a part for each frame, which leaks on purpose. Everything
            made from a split that leaks is marked as leaky.
        seed: Seed of the random order of groups of one size, or of the draw per frame.
        fractions: Share of each part. Under ``official`` only the ratio of train to validation is
            used, and only where the data set has no validation part.
        people: Whether videos of one person, by their faces, become one group under ``group``:
            ``true``, ``false``, or ``auto`` where FaceNet's weights are kept.
    """

    SECTION: ClassVar[str] = "split"

    protocol: Protocol
    seed: Seed
    fractions: SplitFractions
    people: bool | Literal["auto"] = "auto"
