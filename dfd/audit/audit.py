"""The audit of a data set and its split: what would make every figure on it worthless, or suspect.

A leak fails the stage; a warning is shown. What leaks have cost others is told by Kapoor and
Narayanan, *Leakage and the Reproducibility Crisis in Machine-Learning-Based Science* (2023,
arXiv:2207.07048).
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

_NO_FACES_YET = Outcome(
    "people",
    None,
    omitted="the faces come after the split; run `dfd dataset audit` then",
)
_MEANT = "the protocol `frame` puts every video into all parts, on purpose"
_LEAKY = Finding(
    "leaky_protocol",
    "warning",
    "The split leaks on purpose: under the protocol `frame` every video lies in all parts, and "
    "every figure made from it is too good.",
)


@dataclass(frozen=True)
class Audit:
    """What came of every check, in order."""

    outcomes: tuple[Outcome, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, leaks first."""
        found = [finding for outcome in self.outcomes for finding in outcome.findings]
        return tuple(sorted(found, key=lambda finding: finding.severity))

    def count(self, severity: str) -> int:
        """Return the number of findings that are a ``leak``, or a ``warning``."""
        return sum(finding.severity == severity for finding in self.findings)

    def tolerated(self) -> "Audit":
        """Return the audit with its leaks as warnings.

        For a data set's own split that lets groups cross: it is followed, and everything made from
        it is marked as leaky.
        """
        return Audit(
            tuple(
                replace(
                    one,
                    findings=tuple(replace(found, severity="warning") for found in one.findings),
                )
                for one in self.outcomes
            )
        )

    def as_json(self) -> dict[str, Any]:
        """Return what ``metrics/split.json`` holds of it."""
        return {
            "leaks": self.count("leak"),
            "warnings": self.count("warning"),
            "checked": [one.check for one in self.outcomes if one.summary],
            "not_checked": {one.check: one.omitted for one in self.outcomes if one.omitted},
            "findings": [asdict(finding) for finding in self.findings],
        }


def audit_split(
    index: pd.DataFrame,
    split: pd.DataFrame,
    read_fingerprints: ReadFingerprints,
    check_people: PeopleCheck | None = None,
) -> Audit:
    """Make every check that can be made.

    Args:
        index: As from ``read_index``.
        split: As from ``read_split``.
        read_fingerprints: Yields each video named with its fingerprint, None where it cannot be
            decoded.
        check_people: Looks for people in several parts; None before the faces are cropped.

    Raises:
        SplitError: The split is not one of these videos.
        FacesError: The crops are damaged.
    """
    table = _joined(index, split)
    shared = check_labels(table), check_container(index)
    copies = check_copies(table, read_fingerprints)
    if (table["part"] == FRAME_PART).all():
        meant = Outcome("groups", _MEANT, (_LEAKY,))
        names = ("identical_files", "canary", "people")
        files, canary, people = (Outcome(name, None, omitted=_MEANT) for name in names)
        return Audit((meant, files, copies, *shared, canary, people))
    return Audit(
        (
            check_groups(table),
            check_identical_files(table),
            copies,
            *shared,
            check_canary(table),
            check_people(table) if check_people else _NO_FACES_YET,
        )
    )


def leak_error(audit: Audit) -> SplitError:
    """Return the error that ends a stage or command whose audit has found a leak."""
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
    """Return the index with the part of every video."""
    given = index.drop(columns=["part"])  # the data set's own, which need not be the split's
    table = given.merge(split[["video", "part", "label"]], on="video", suffixes=("", "_split"))
    stale = len(table) != len(index) or len(table) != len(split)
    if stale or (table["label"] != table["label_split"]).any():
        raise SplitError("split: is not one of the videos in the index; run `dvc repro split`")
    return table
