import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dfd.evaluate.evaluation import Evaluation
from dfd.evaluate.pictures import pictures
from dfd.evaluate.records import tables
from dfd.evaluate.report import evaluation_page
from dfd.evaluate.worst_errors import worst_errors
from dfd.plots import write_figure
from dfd.scoring.decision import THRESHOLD
from tests.evaluate.subject import DECISION, NASTY, evaluation, findings, noise

WRONG = evaluation(12, gain=-3.0)  # the nasty video is among its errors


class Page(HTMLParser):
    """The tags, addresses and words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [v or "" for k, v in attributes if k in ("src", "href", "srcset")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def page(folder: Path, judged: Evaluation = WRONG, *, leaky: bool = False) -> str:
    worst = worst_errors(judged.videos, judged.crops, THRESHOLD)
    drawn = pictures(judged, DECISION, tables(judged), worst, noise(len(worst)), "small")
    for key, picture in drawn.items():
        write_figure(folder / f"{key}.png", picture.figure)
    files = {key: (folder / f"{key}.png").read_bytes() for key in drawn}
    return evaluation_page(findings(judged, leaky=leaky), drawn, files, worst)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plots")


@pytest.fixture(scope="module")
def honest(folder: Path) -> str:
    return page(folder)


def test_the_page_needs_no_other_file_and_has_every_picture(honest: str, folder: Path) -> None:
    text = honest
    read = Page(text)
    assert not {"script", "link", "iframe", "object"} & set(read.tags)
    assert all(address.startswith("data:image/png;base64,") for address in read.addresses)
    assert not re.search(r"url\(|@import|https?://", text)
    shown = {base64.b64decode(address.split(",")[1]) for address in read.addresses}
    assert shown == {path.read_bytes() for path in folder.glob("*.png")}
    assert 'name="color-scheme" content="light dark"' in text


def test_names_cannot_become_markup(honest: str) -> None:
    assert NASTY in "".join(Page(honest).words)
    assert "<script" not in honest
    assert "$x$<b>" not in honest


def test_the_page_begins_with_the_verdict_and_names_a_leak(honest: str, tmp_path: Path) -> None:
    leaky = page(tmp_path, leaky=True)
    assert "LEAKY" not in honest
    assert leaky.index("LEAKY") < leaky.index("video AUC is") < leaky.index("<table")
    assert "no group is on both sides" in honest
    assert "no group is on both sides" not in leaky


def test_figures_of_every_level_stand_with_their_intervals(honest: str) -> None:
    words = "".join(Page(honest).words)
    for level in ("video", "track", "frame"):
        judged = WRONG.levels[level]
        interval = judged.intervals["ap"]
        assert f"{judged.metrics.ap:.3f} ({interval.low:.3f}–{interval.high:.3f})" in words


def test_wrong_verdicts_are_counted_and_a_refused_figure_has_its_reason(honest: str) -> None:
    counts = WRONG.coverage
    words = "".join(Page(honest).words)
    assert f"{counts.wrong} of {counts.verdicts} verdicts are wrong" in words
    assert words.count("needs 300 REAL groups, there are 12") == 3, "of each level"


def test_one_class_few_groups_and_no_error_still_make_a_page(tmp_path: Path) -> None:
    one_class = page(tmp_path, evaluation(4, classes=("REAL",)))
    assert "There is no AUC" in one_class
    assert "No test video is on the wrong side" in page(tmp_path, evaluation(12, gain=9.0))
