"""Findings of the audit of a data set and its split, and the outcome of each check."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

_NAMED = 4


@dataclass(frozen=True)
class Finding:
    """A fault that a check found.

    Attributes:
        kind: Name of the fault, such as ``group_crosses``.
        severity: A ``leak`` makes every figure measured on the split worthless; a ``warning``
            needs a person to look at it.
        text: What is wrong, in one sentence.
        videos: Ids of the videos concerned; empty where the finding concerns all of them.
    """

    kind: str
    severity: Literal["leak", "warning"]
    text: str
    videos: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """The outcome of one check.

    Attributes:
        check: Name of the check, such as ``groups``.
        summary: What was checked and how it came out, with figures; None where nothing was checked.
        findings: The faults that were found.
        omitted: Why the check, or a part of it, was left out; None where all of it was made.
    """

    check: str
    summary: str | None
    findings: tuple[Finding, ...] = ()
    omitted: str | None = None


def in_words(videos: Sequence[str], parts: Iterable[str]) -> str:
    """Return the first four videos, each with its part, and how many more there are.

    Args:
        videos: Ids of videos.
        parts: The part of each, or its label: whatever is to stand in brackets behind the id.

    Example:
        >>> in_words(["a.mp4", "b.mp4"], ["train", "test"])
        'a.mp4 (train), b.mp4 (test)'
        >>> in_words(list("abcdef"), ["train"] * 6)
        'a (train), b (train), c (train), d (train) and 2 more'
    """
    pairs = zip(videos[:_NAMED], parts, strict=False)
    shown = [f"{video} ({part})" for video, part in pairs]
    more = len(videos) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
