"""The evaluation as one page, for a person: figures, pictures and protocol in a single file."""

from base64 import b64encode
from collections.abc import Mapping

import pandas as pd

from dfd.evaluate.evaluation import LEVELS
from dfd.evaluate.findings import LEAK, Findings, limits, verdict
from dfd.evaluate.metrics import RATES
from dfd.evaluate.pictures import Picture
from dfd.evaluate.rendering import render

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
