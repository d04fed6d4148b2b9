"""The audit of a data set and its split: checks for leaks between parts and for other faults.

A leak makes every result on the split worthless, so it fails the stage; a warning is only shown.
Kapoor and Narayanan describe the damage that leaks have done in published work: *Leakage and the
Reproducibility Crisis in Machine-Learning-Based Science* (2023, arXiv:2207.07048).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd

from dfd.audit.copies import ReadFingerprints, check_copies
from dfd.audit.findings import Finding, Outcome
from dfd.audit.labels import check_groups, check_identical_files, check_labels
from dfd.audit.shortcuts import check_canary, check_container
from dfd.errors import SplitError
from dfd.split.table import FRAME_PART

PeopleCheck = Callable[[pd.DataFrame], Outcome]

_NOT_ASKED = Outcome(
    "people",
    None,
    omitted="the stage has joined those it could tell; `dfd dataset audit` looks for others",
)
_ON_PURPOSE = "the protocol `frame` puts every video into all parts, on purpose"
_LEAKY = Finding(
    "leaky_protocol",
    "warning",
    "The split leaks on purpose: under the protocol `frame` every video lies in all parts, and "
    "every figure made from it is too good.",
)


@dataclass(frozen=True)
class Audit:
    """The outcomes of all checks, in order."""

    outcomes: tuple[Outcome, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all checks, leaks first."""
        findings = [finding for outcome in self.outcomes for finding in outcome.findings]
        return tuple(sorted(findings, key=lambda finding: finding.severity))

    def count(self, severity: str) -> int:
        """Return the number of findings of a severity, ``leak`` or ``warning``."""
        return sum(finding.severity == severity for finding in self.findings)

    def tolerated(self) -> "Audit":
        """Return the audit with its leaks turned into warnings.

        This is meant for an official split that leaks: it is used as it is, and everything made
        from it is marked as leaky.
        """
        return Audit(
            tuple(
                replace(
                    outcome,
                    findings=tuple(
                        replace(finding, severity="warning") for finding in outcome.findings
                    ),
                )
                for outcome in self.outcomes
            )
        )

    def as_json(self) -> dict[str, Any]:
        """Return the audit as ``metrics/split.json`` stores it."""
        return {
            "leaks": self.count("leak"),
            "warnings": self.count("warning"),
            "checked": [outcome.check for outcome in self.outcomes if outcome.summary],
            "not_checked": {
                outcome.check: outcome.omitted for outcome in self.outcomes if outcome.omitted
            },
            "findings": [asdict(finding) for finding in self.findings],
        }


def audit_split(
    index: pd.DataFrame,
    split: pd.DataFrame,
    read_fingerprints: ReadFingerprints,
    check_people: PeopleCheck | None = None,
) -> Audit:
    """Run all checks of a data set and its split.

    Args:
        index: The index of the data set, from ``read_index``.
        split: Its split, from ``read_split``.
        read_fingerprints: Callback that takes ids of videos and yields each id with the fingerprint
            of the video, or with None where the video cannot be decoded.
        check_people: The check for people in several parts; None where it is not wanted.

    Raises:
        SplitError: The split was made from other videos than those of the index.
        FacesError: The crops are damaged.

    Example:
        >>> ids = ["a.mp4", "b.mp4", "c.mp4"]
        >>> index = pd.DataFrame({"video": ids, "label": ["REAL", "FAKE", "REAL"], "source": None})
        >>> index = index.assign(group=["a.mp4", "a.mp4", "c.mp4"], part=None, phash=None)
        >>> index = index.assign(sha256=["0", "1", "2"], bytes=1000, duration=1.0)
        >>> index = index.assign(width=64, height=64, fps=25.0, frame_hashes=None, face_hashes=None)
        >>> split = index.assign(part=["train", "test", "test"])
        >>> audit = audit_split(index, split, read_fingerprints=lambda videos: [])
        >>> audit.findings[0].text
        'The group a.mp4 lies in more than one part: a.mp4 (train), b.mp4 (test).'
    """
    table = _joined(index, split)
    labels, container = check_labels(table), check_container(index)
    copies = check_copies(table, read_fingerprints)
    if (table["part"] == FRAME_PART).all():
        groups = Outcome("groups", _ON_PURPOSE, (_LEAKY,))
        names = ("identical_files", "canary", "people")
        files, canary, people = (Outcome(name, None, omitted=_ON_PURPOSE) for name in names)
        return Audit((groups, files, copies, labels, container, canary, people))
    return Audit(
        (
            check_groups(table),
            check_identical_files(table),
            copies,
            labels,
            container,
            check_canary(table),
            check_people(table) if check_people else _NOT_ASKED,
        )
    )


def leak_error(audit: Audit) -> SplitError:
    """Return the error with which a stage or command fails when its audit finds a leak."""
    leaks = [finding for finding in audit.findings if finding.severity == "leak"]
    more = f" (and {len(leaks) - 1} more)" if len(leaks) > 1 else ""
    remedy = "run `dvc repro split`"
    if leaks[0].kind == "copies_cross":
        remedy = "name the source in the data set's labels, or take a copy out"
    return SplitError(
        f"split: leaks: {leaks[0].text.rstrip('.')}{more}; {remedy} (all of it: "
        "`dfd dataset audit --page audit.html`)"
    )


def _joined(index: pd.DataFrame, split: pd.DataFrame) -> pd.DataFrame:
    """Return the index with the parts of the split instead of the official ones."""
    table = index.drop(columns=["part"]).merge(
        split[["video", "part", "label"]], on="video", suffixes=("", "_split")
    )
    stale = len(table) != len(index) or len(table) != len(split)
    if stale or (table["label"] != table["label_split"]).any():
        raise SplitError(
            "split: was made from other videos than those in the index; run `dvc repro split`"
        )
    return table
