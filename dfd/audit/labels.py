"""The audit's checks that need only the tables: groups, identical files, labels.

Each takes a table with one row per video and the columns ``video``, ``label``, ``source``,
``group``, ``sha256`` and ``part``.
"""

from collections.abc import Iterator

import pandas as pd

from dfd.audit.findings import Finding, Outcome, in_words
from dfd.words import counted


def check_groups(table: pd.DataFrame) -> Outcome:
    """Find groups that lie in more than one part, and fakes in another part than their source.

    Args:
        table: One row per video, with the columns of this module's docstring.
    """
    findings = []
    for group, rows in _mixed(table, "group", "part"):
        text = f"The group {group} lies in more than one part: {_where(rows)}."
        findings.append(Finding("group_crosses", "leak", text, tuple(rows["video"])))
    sources = table[["video", "group", "part"]].add_prefix("source_")
    pairs = table.merge(sources, left_on="source", right_on="source_video")
    apart = (pairs["part"] != pairs["source_part"]) & (pairs["group"] != pairs["source_group"])
    for video, source, *parts in pairs.loc[
        apart, ["video", "source", "part", "source_part"]
    ].itertuples(index=False):
        text = f"A video and its source lie in two parts: {in_words([video, source], parts)}."
        findings.append(Finding("source_crosses", "leak", text, (video, source)))
    summary = f"{counted(table['group'].nunique(), 'group')} of {counted(len(table), 'video')}"
    return Outcome("groups", f"{summary}, {_count_or_none(findings)} in two parts", tuple(findings))


def check_identical_files(table: pd.DataFrame) -> Outcome:
    """Find files with the same content that lie in more than one part.

    Args:
        table: One row per video, with the columns of this module's docstring.
    """
    findings = []
    for _, rows in _mixed(table, "sha256", "part"):
        text = f"The same file lies in more than one part: {_where(rows)}."
        findings.append(Finding("identical_files", "leak", text, tuple(rows["video"])))
    copies = len(table) - table["sha256"].nunique()
    files = counted(copies, "file") if copies else "no files"
    summary = f"{files} with the content of another"
    if copies:
        summary += f", {_count_or_none(findings)} of them in two parts"
    return Outcome("identical_files", summary, tuple(findings))


def check_labels(table: pd.DataFrame) -> Outcome:
    """Find labels that contradict each other.

    Args:
        table: One row per video, with the columns of this module's docstring.

    Example:
        >>> row = {"video": "a.mp4", "label": "FAKE", "source": "a.mp4", "group": "a.mp4"}
        >>> table = pd.DataFrame([{**row, "sha256": "0", "part": "train"}])
        >>> [finding.text for finding in check_labels(table).findings]
        ['a.mp4 is FAKE and said to be its own source.']
    """
    findings = []
    for _, rows in _mixed(table, "sha256", "label"):
        names = in_words(list(rows["video"]), rows["label"])
        text = f"The same file has two labels: {names}."
        findings.append(Finding("two_labels", "warning", text, tuple(rows["video"])))
    fakes = table[table["label"] == "FAKE"]
    own = fakes["video"] == fakes["source"]
    for video in fakes.loc[own, "video"]:
        text = f"{video} is FAKE and said to be its own source."
        findings.append(Finding("own_source", "warning", text, (video,)))
    named = fakes[~own & fakes["source"].isin(fakes["video"])]
    for source, rows in named.groupby("source"):
        text = f"{source} is FAKE and the source of {_where(rows)}."
        findings.append(Finding("fake_source", "warning", text, (str(source), *rows["video"])))
    counts = table["label"].value_counts()
    summary = ", ".join(
        f"{count:,} {label}" for label, count in sorted(counts.items(), reverse=True)
    )
    return Outcome("labels", f"{summary}; {_count_or_none(findings)} in doubt", tuple(findings))


def _mixed(table: pd.DataFrame, key: str, column: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows of each ``key`` that have more than one value of ``column``."""
    values = table.groupby(key)[column].nunique()
    mixed = table[table[key].isin(values.index[values > 1])]
    for name, rows in mixed.groupby(key):
        yield str(name), rows


def _where(rows: pd.DataFrame) -> str:
    return in_words(list(rows["video"]), rows["part"])


def _count_or_none(findings: list[Finding]) -> str:
    return str(len(findings) or "none")
