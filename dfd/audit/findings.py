"""What the audit of a data set and its split can say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

_NAMED = 4


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        kind: Name of the fault, such as ``group_crosses``.
        severity: A ``leak`` makes every figure on the split worthless; a ``warning`` is to be
            looked at.
        text: What is wrong, in one sentence.
        videos: Ids of the videos concerned, none where all are.
    """

    kind: str
    severity: Literal["leak", "warning"]
    text: str
    videos: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of one check.

    Attributes:
        check: Its name.
        summary: What was looked at and how it came out, with figures; None where nothing was.
        findings: What is wrong.
        omitted: Why the check, or a part of it, was not made; None where all of it was.
    """

    check: str
    summary: str | None
    findings: tuple[Finding, ...] = ()
    omitted: str | None = None


def in_words(videos: Sequence[str], parts: Iterable[str]) -> str:
    """Return the first few videos with their parts, and how many more there are."""
    pairs = zip(videos[:_NAMED], parts, strict=False)
    shown = [f"{video} ({part})" for video, part in pairs]
    more = len(videos) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
