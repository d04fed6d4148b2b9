"""An evaluation as an HTML page, and as a model card in Markdown.

The page holds figures, pictures and the protocol in a single file. The model card says what a
detector is, what it may be used for and how well it did (Mitchell et al., *Model cards for model
reporting*, FAT* 2019).
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pandas as pd

from dfd.evaluate.evaluation import LEVELS
from dfd.evaluate.findings import Findings, limits, verdict
from dfd.evaluate.pictures import Picture
from dfd.pages import environment
from dfd.scoring.decision import promised
from dfd.scoring.metrics import RATES
from dfd.scoring.wording import interval_of, number, percent, share_of
from dfd.words import LEAK

FIGURES = {
    "auc": "AUC",
    "ap": "average precision",
    "eer": "equal error rate",
    "tpr_at_fpr_1": "FAKE found at 1 % of REAL called FAKE",
    "tpr_at_fpr_5": "FAKE found at 5 % of REAL called FAKE",
    "tpr_at_fpr_10": "FAKE found at 10 % of REAL called FAKE",
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
        findings: The evaluation, and the detector and the split that it belongs to.
        pictures: The pictures to show with their captions, by name; ``baselines``, ``slices`` and
            ``worst`` have places of their own, the others follow in their order.
        files: The PNG file of each picture, by the same names.
        worst: The worst errors, a row a crop, as from ``worst_errors``.
    """
    return _render(
        "evaluation.html",
        findings,
        {
            "levels": tuple(reversed(LEVELS)),
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
    """Return the model card of a detector as Markdown.

    Args:
        findings: The evaluation, and the detector and the split that it belongs to.
    """
    return _render("model_card.md", findings, {})


def _render(template: str, findings: Findings, more: Mapping[str, Any]) -> str:
    """Return a template filled in; a name that ends in ``.md`` makes Markdown, another HTML.

    Args:
        template: File name of the template.
        findings: What every template speaks of.
        more: Values that this template alone needs, by name.
    """
    values = {
        "card": findings.card,
        "evaluation": findings.evaluation,
        "split": findings.split,
        "datasets": findings.datasets,
        "leak": LEAK if findings.card.leaky else None,
        "verdict": verdict(findings.evaluation),
        "limits": limits(findings),
        "promised": promised(findings.card.decision),
        "figures": FIGURES,
        "slices": findings.evaluation.slices.to_dict("records"),
    }
    pages = environment("dfd.evaluate")
    pages.filters |= {"number": number, "percent": percent, "plain": plain}
    pages.globals |= {"interval": interval_of, "share_of": share_of}
    if template.endswith(".md"):
        pages = pages.overlay(autoescape=False, finalize=markdown)
    return pages.get_template(template).render(values, **more)


def plain(name: str) -> str:
    """Return a key as words.

    Example:
        >>> plain("image_statistics")
        'image statistics'
    """
    return name.replace("_", " ")


def markdown(value: Any) -> Any:
    r"""Return text on one line in which nothing is markup to Markdown or HTML.

    Anything but text is returned as it is.

    Example:
        >>> print(markdown("a_b <i>"))
        a\_b &lt;i&gt;
    """
    if not isinstance(value, str):
        return value
    line = " ".join(value.split())
    escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", escaped)
