"""The audit as a page a person reads: one HTML file that needs nothing beside it."""

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from dfd.audit.audit import Audit
from dfd.labels import LABELS, PARTS
from dfd.split.table import FRAME_PART

_SHOWN = 100  # findings, and names of a finding

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
    """Return the page: verdict, parts, what was checked and how it came out, findings.

    Args:
        audit: As from ``audit_split``.
        split: As given to it.
    """
    environment = Environment(
        loader=PackageLoader("dfd.audit"), autoescape=True, undefined=StrictUndefined
    )
    template = environment.get_template("audit.html")
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
    return template.render(
        audit=audit,
        parts=parts,
        labels=LABELS,
        titles=TITLES,
        part_of=dict(zip(split["video"], split["part"], strict=True)),
        shown=_SHOWN,
    )
