"""What every layout returns, one record a video."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LabelledVideo:
    """A video as its data set describes it.

    Attributes:
        path: The file.
        video: Its id: the path from the data set's folder, with ``/`` and the extension, so that
            equal file names in different folders stay apart.
        label: ``REAL`` or ``FAKE``.
        source: Id (or, when it is not in the folder, name) of the pristine video of a fake.
        donor: Likewise of the video whose face was put in, where the data set says so; the name of
            the person, where it knows no more.
        method: Forgery method, where the data set says so.
        person: Who is seen, where that must not be on two sides of a split: videos of one person
            are one group.
        part: ``train``, ``validation`` or ``test``, where the data set has an official split.
    """

    path: Path
    video: str
    label: str
    source: str | None = None
    donor: str | None = None
    method: str | None = None
    person: str | None = None
    part: str | None = None
