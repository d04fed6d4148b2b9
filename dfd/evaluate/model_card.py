"""The model card: what a detector is, what it may be used for, and how well it was seen to do.

Mitchell et al., *Model cards for model reporting*, FAT* 2019.
"""

from dfd.evaluate.findings import LEAK, Findings, limits, verdict
from dfd.evaluate.rendering import render
from dfd.evaluate.report import FIGURES


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
