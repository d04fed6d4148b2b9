import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dfd.detector.card import load_card
from dfd.detector.network import load_detector
from dfd.errors import ScanError
from dfd.scan.inspection import inspect_file
from dfd.scan.report import report_name, report_page, suspicious, write_report
from dfd.scan.scanning import Scan, conclude, measure
from dfd.scan.timeline import timeline
from tests.data import SAMPLE

pytestmark = pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample is not here")


@pytest.fixture(scope="module")
def scan(judge: Callable[..., Scan]) -> Scan:
    return judge(sorted(SAMPLE.glob("*.mp4"))[0], "models/untrained", "4")


@pytest.fixture(scope="module")
def page(scan: Scan, detector_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(scan, detector_dir, tmp_path_factory.mktemp("reports") / "new")


def test_the_page_says_what_the_record_says_and_needs_nothing_else(scan: Scan, page: Path) -> None:
    text, record = page.read_text(), scan.record
    assert f'<p class="word">{record.verdict}</p>' in text
    for detail in (record.file.sha256, record.model.sha256, record.file.name, "version 4"):
        assert detail in text
    assert f"{record.probability:.4f}" in text
    assert "Grad-CAM" in text
    assert text.count("data:image/jpeg;base64,") == 8 + 2 * 6
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert "<script" not in text


def test_the_most_suspicious_crops_come_first(scan: Scan) -> None:
    scores = {frame.frame: frame.score for frame in scan.record.tracks[0].frames}
    shown = [scores[crop.frame] for crop in suspicious(scan)]
    assert shown == sorted(scores.values(), reverse=True)[:6]


@pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium to print with")
def test_the_page_is_there_as_a_pdf_too(page: Path) -> None:
    assert page.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


def test_without_a_browser_there_is_the_page_alone(
    scan: Scan, detector_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    path = write_report(scan, detector_dir, tmp_path / "out")
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_what_is_no_video_has_a_report_without_pictures(
    judge: Callable[..., Scan], detector_dir: Path, tmp_path: Path
) -> None:
    hostile = tmp_path / "<img src=x onerror=alert(1)>.mp4"
    hostile.write_text("no video")
    scan = judge(hostile, "models/untrained")
    text = write_report(scan, detector_dir, tmp_path / "out").read_text()
    assert "No verdict can be given" in text
    assert "could not be read as a video" in text
    assert "<img" not in text
    assert "&lt;img" in text


def test_a_video_outside_the_domain_has_a_report_without_pictures(
    detector_dir: Path, tmp_path: Path
) -> None:
    card = load_card(detector_dir)
    domain = card.domain.model_copy(update={"appearance": None})
    inspection = inspect_file(sorted(SAMPLE.glob("*.mp4"))[0], card.crop)
    measured = measure(inspection.faces.crops, load_detector(detector_dir))
    scan = conclude(inspection, measured, card.model_copy(update={"domain": domain}), "d")
    text = write_report(scan, detector_dir, tmp_path / "out").read_text()
    assert scan.crops
    assert '<p class="word">INCONCLUSIVE</p>' in text
    assert "<img" not in text


@pytest.mark.parametrize("name", ["x" * 4000, "../../etc/passwd", "...", "a b\n\u202e.mp4", ""])
def test_no_name_escapes_the_folder(scan: Scan, name: str) -> None:
    file = scan.record.file.model_copy(update={"name": name})
    renamed = replace(scan, record=scan.record.model_copy(update={"file": file}))
    assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,90}", report_name(renamed))


def test_the_report_of_a_leaky_detector_warns(scan: Scan, detector_dir: Path) -> None:
    card = load_card(detector_dir).model_copy(update={"leaky": True})
    text = report_page(Scan(scan.record, card), None)
    assert 'role="alert">LEAKY' in text


def test_the_report_of_a_detector_that_knows_rendered_people_only_says_so(
    scan: Scan, detector_dir: Path
) -> None:
    card = load_card(detector_dir)
    texts = []
    for synthetic in (False, True):
        domain = card.domain.model_copy(update={"synthetic": synthetic})
        texts.append(
            report_page(Scan(scan.record, card.model_copy(update={"domain": domain})), None)
        )
    assert ["rendered people only" in text for text in texts] == [False, True]


def test_a_folder_that_cannot_be_made_is_one_line(
    scan: Scan, detector_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ScanError, match="reports cannot be written"):
        write_report(scan, detector_dir, tmp_path / "file" / "reports")


def test_the_drawing_puts_fake_at_the_top_and_time_to_the_right(scan: Scan) -> None:
    drawn = timeline(scan.record, 0.5, (0.4, 0.6))
    frames, points = scan.record.tracks[0].frames, drawn.lines[0].points
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    highest = max(range(len(frames)), key=lambda i: frames[i].score)
    assert points[highest][1] == min(y for _, y in points)
    assert drawn.band[0] < drawn.threshold < drawn.band[1]
    assert drawn.left <= points[0][0]
    assert points[-1][0] <= drawn.right
    assert drawn.lines[0].words.startswith("person 1: 8 frames from 0:00.")
