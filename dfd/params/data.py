"""The sections ``dataset`` and ``split`` of ``params.yaml``."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from dfd.params.section import Fraction, Section, Seed

Protocol = Literal["group", "official", "frame"]


class DatasetParams(Section):
    """Where the labelled videos are, how their labels are written, and the data set's name.

    Attributes:
        videos: The folder.
        layout: A name in ``dfd.dataset.layouts.LAYOUTS``.
        name: Kept with every video.
    """

    SECTION: ClassVar[str] = "dataset"

    videos: str
    layout: str
    name: str


class SplitFractions(Section):
    """Share of the videos in each part; the three add up to one."""

    train: Fraction
    validation: Fraction
    test: Fraction

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if abs(self.train + self.validation + self.test - 1) > 1e-6:
            raise ValueError("train, validation and test must add up to 1")
        return self


class SplitParams(Section):
    """How videos are divided.

    Attributes:
        protocol: ``group`` deals whole groups, ``official`` takes the parts the data set states,
            ``frame`` draws per frame and leaks on purpose. Everything made from a split in which
            groups cross is marked.
        seed: Seed of what is drawn.
        fractions: Share of each part; of ``official``, only what train and validation share.
    """

    SECTION: ClassVar[str] = "split"

    protocol: Protocol
    seed: Seed
    fractions: SplitFractions
