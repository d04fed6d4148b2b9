"""What a person reads of an evaluation: one HTML page, and the model card in Markdown.

The page holds figures, pictures and protocol in a single file. The model card says what a detector
is, what it may be used for and how well it did (Mitchell et al., *Model cards for model reporting*,
FAT* 2019).
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from dfd.evaluate.evaluation import LEVELS
from dfd.evaluate.findings import Findings, limits, verdict
from dfd.evaluate.pictures import Picture
from dfd.scoring.metrics import RATES
from dfd.scoring.wording import interval_of, number, percent
from dfd.words import LEAK, counted

FIGURES = {
    "auc": "AUC",
    "ap": "average precision",
    "eer": "equal error rate",
    "tpr_at_fpr_1": "FAKE found at 1 % of REAL called FAKE",
    "tpr_at_fpr_5": "FAKE found at 5 %",
    "tpr_at_fpr_10": "FAKE found at 10 %",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ece": "calibration error (ECE)",
}
assert set(FIGURES) == set(RATES)


def evaluation_page(
    findings: Findings,
    pictures: Mapping[str, Picture],
    files: Mapping[str, bytes],
    worst: pd.DataFrame,
) -> str:
    """Return one HTML document that needs no other file and no network.

    Args:
        findings: What it is about.
        pictures: As from ``dfd.evaluate.pictures``.
        files: The PNG of each of them.
        worst: As from ``worst_errors``.
    """
    return render(
        "evaluation.html",
        {
            "card": findings.card,
            "evaluation": findings.evaluation,
            "split": findings.split,
            "datasets": findings.datasets,
            "leak": LEAK if findings.card.leaky else None,
            "verdict": verdict(findings.evaluation),
            "limits": limits(findings),
            "levels": tuple(reversed(LEVELS)),
            "figures": FIGURES,
            "slices": findings.evaluation.slices.to_dict("records"),
            "pictures": {
                key: {
                    "data": b64encode(files[key]).decode("ascii"),
                    "caption": picture.caption,
                    "wide": picture.wide,
                }
                for key, picture in pictures.items()
            },
            "worst": worst.drop_duplicates("rank").to_dict("records"),
        },
    )


def model_card(findings: Findings) -> str:
    """Return the card as Markdown."""
    return render(
        "model_card.md",
        {
            "card": findings.card,
            "evaluation": findings.evaluation,
            "split": findings.split,
            "datasets": findings.datasets,
            "leak": LEAK if findings.card.leaky else None,
            "verdict": verdict(findings.evaluation),
            "limits": limits(findings),
            "figures": FIGURES,
            "slices": findings.evaluation.slices.to_dict("records"),
        },
    )


def render(template: str, values: Mapping[str, Any]) -> str:
    """Return a template filled in; what goes into HTML or Markdown is escaped.

    Args:
        template: Its file name; ``.html`` or ``.md`` says what it makes.
        values: By the names it uses.
    """
    environment = Environment(
        loader=PackageLoader("dfd.evaluate"),
        autoescape=template.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": number,
        "percent": percent,
        "plain": plain,
        "counted": counted,
    }
    environment.globals["interval"] = interval_of
    if template.endswith(".md"):
        environment.finalize = markdown
    return environment.get_template(template).render(values)


def plain(name: str) -> str:
    """Return a key as words."""
    return name.replace("_", " ")


def markdown(value: Any) -> Any:
    """Return text of which nothing is markup to Markdown or HTML, on one line."""
    if not isinstance(value, str):
        return value
    line = " ".join(value.split())
    escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", escaped)
