"""Checks of the audit that need the tables alone: groups, identical files, labels.

Each takes a table with the columns ``video``, ``label``, ``source``, ``group``, ``sha256`` and
``part``, one row a video.
"""

from collections.abc import Iterator

import pandas as pd

from dfd.audit.findings import Finding, Outcome, in_words
from dfd.words import counted


def check_groups(table: pd.DataFrame) -> Outcome:
    """Find groups, and fakes and their sources, that lie in more than one part."""
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
    said = f"{counted(table['group'].nunique(), 'group')} of {counted(len(table), 'video')}"
    return Outcome("groups", f"{said}, {_none(findings)} in two parts", tuple(findings))


def check_identical_files(table: pd.DataFrame) -> Outcome:
    """Find files of one content that lie in more than one part."""
    findings = []
    for _, rows in _mixed(table, "sha256", "part"):
        text = f"The same file lies in more than one part: {_where(rows)}."
        findings.append(Finding("identical_files", "leak", text, tuple(rows["video"])))
    copies = len(table) - table["sha256"].nunique()
    files = counted(copies, "file") if copies else "no files"
    said = f"{files} with the content of another"
    if copies:
        said += f", {_none(findings)} of them in two parts"
    return Outcome("identical_files", said, tuple(findings))


def check_labels(table: pd.DataFrame) -> Outcome:
    """Find labels that contradict each other."""
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
    said = ", ".join(f"{count:,} {label}" for label, count in sorted(counts.items(), reverse=True))
    return Outcome("labels", f"{said}; {_none(findings)} in doubt", tuple(findings))


def _mixed(table: pd.DataFrame, key: str, column: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows of each ``key`` that have more than one value of ``column``."""
    values = table.groupby(key)[column].nunique()
    mixed = table[table[key].isin(values.index[values > 1])]
    for name, rows in mixed.groupby(key):
        yield str(name), rows


def _where(rows: pd.DataFrame) -> str:
    return in_words(list(rows["video"]), rows["part"])


def _none(findings: list[Finding]) -> str:
    return str(len(findings) or "none")
