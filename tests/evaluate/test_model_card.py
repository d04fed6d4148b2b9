from dfd.evaluate.report import model_card
from tests.evaluate.subject import evaluation, findings


def test_the_card_says_what_it_is_for_and_how_well_it_did() -> None:
    judged = evaluation()
    card = model_card(findings(judged))
    for heading in (
        *("What it is", "Intended use", "Data and protocol", "Training", "Crops", "Decision"),
        *("Figures", "Slices", "Limits"),
    ):
        assert f"\n## {heading}\n" in card
    assert "Not intended:" in card
    interval = judged.levels["video"].intervals["auc"]
    assert f"({interval.low:.3f}–{interval.high:.3f})" in card
    assert "| baseline: image statistics |" in card
    for hashed in ("1" * 16, "2" * 16, "3" * 16):
        assert f"`{hashed}`" in card


def test_a_leaky_card_says_so_first_and_another_does_not() -> None:
    assert "LEAKY" in model_card(findings(evaluation(), leaky=True)).splitlines()[2]
    assert "LEAKY" not in model_card(findings(evaluation()))


def test_names_cannot_break_a_table() -> None:
    card = model_card(findings(evaluation()))
    rows = [line for line in card.splitlines() if line.startswith("| method |")]
    assert rows
    assert rows[0].startswith(r"| method | swap\|$x$&lt;b&gt; | 24 | 12 |")


def test_one_class_makes_a_card() -> None:
    card = model_card(findings(evaluation(4, classes=("FAKE",)), leaky=True))
    assert "| AUC | — | — |" in card
