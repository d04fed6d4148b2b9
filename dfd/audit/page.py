"""The audit as an HTML page that needs no other file and no network."""

import pandas as pd

from dfd.audit.audit import Audit
from dfd.labels import LABELS, PARTS
from dfd.pages import environment
from dfd.split.table import FRAME_PART

_SHOWN = 100  # the most findings, and videos of one finding

TITLES = {
    "groups": "Groups keep to one part",
    "identical_files": "Identical files keep to one part",
    "copies": "Copies keep to one part",
    "labels": "Labels do not contradict each other",
    "container": "The container does not give the label away",
    "canary": "Rooms and cameras do not give the label away",
    "people": "People keep to one part",
}


def audit_page(audit: Audit, split: pd.DataFrame) -> str:
    """Return the page of an audit: its verdict, the parts, the checks with their outcome, findings.

    Args:
        audit: The audit to show.
        split: The split that was audited, as from ``read_split``: a row a video, or a row a frame
            under the protocol ``frame``, with the columns ``video``, ``group``, ``label``,
            ``part``.

    Returns:
        One HTML document.

    Example:
        >>> import pandas as pd
        >>> from dfd.audit.findings import Outcome
        >>> audit = Audit((Outcome("groups", "1 group of 1 video, none in two parts"),))
        >>> rows = [("a.mp4", "a", "REAL", "train")]
        >>> split = pd.DataFrame(rows, columns=["video", "group", "label", "part"])
        >>> "No leak and no warning." in audit_page(audit, split)
        True
    """
    parts = [
        {
            "name": part,
            "videos": len(rows),
            "groups": rows["group"].nunique(),
            "labels": [int((rows["label"] == label).sum()) for label in LABELS],
        }
        for part in (*PARTS, FRAME_PART)
        if len(rows := split[split["part"] == part])
    ]
    return (
        environment("dfd.audit")
        .get_template("audit.html")
        .render(
            audit=audit,
            parts=parts,
            labels=list(LABELS),
            titles=TITLES,
            part_of=dict(zip(split["video"], split["part"], strict=True)),
            shown=_SHOWN,
        )
    )
