import io
import json
import logging

import pytest
from rich.console import Console

from flows.progress import REPORTS, Bar, ProgressBar, WarningReports, read_report, shown_steps
from tests.data import SAMPLE
from tests.project import PAIRS, Project, write_clips


@pytest.fixture
def reporting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REPORTS, "1")


def reports(printed: str) -> list[dict[str, object]]:
    return [read_report(line)[1] for line in printed.removesuffix("\n").split("\n")]


@pytest.mark.usefixtures("reporting")
def test_items_are_reported_to_the_pipeline(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar("videos", 3) as bar:
        bar.advance(failed=1)
    printed = capsys.readouterr()
    assert printed.err == ""
    assert reports(printed.out)[0] == {"text": "0 of 3 videos", "done": 0, "total": 3}


@pytest.mark.usefixtures("reporting")
def test_steps_that_follow_fast_are_not_all_reported(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_steps() as on_step:
        for step in range(1000):
            on_step(f"step {step}", step, 1000)
        on_step("exporting", 0, 0)
    found = reports(capsys.readouterr().out)
    assert found[0] == {"text": "step 0", "done": 0, "total": 1000}
    assert found[-1] == {"text": "exporting", "done": 0, "total": 0}, "another thing is, at once"
    assert len(found) < 100


def test_nothing_is_shown_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar("videos", 1) as bar:
        bar.advance(failed=0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("reporting")
def test_warnings_are_reported_and_other_messages_are_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger = logging.getLogger("test-of-reports")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(WarningReports())
    logger.info("epoch %d", 1)
    logger.warning("%s: no crop", "a.mp4")
    logger.error("the stage says so itself")
    assert reports(capsys.readouterr().out) == [{"warning": "a.mp4: no crop"}]


def test_a_line_that_another_process_has_broken_is_kept_as_it_is() -> None:
    broken = f"\x1e{json.dumps({'warning': 'x'})[:-3]}epoch 1\n"
    assert read_report(broken) == (broken, {})


def test_a_terminal_shows_what_is_done_and_the_time_left() -> None:
    screen = io.StringIO()
    with Bar(Console(file=screen, force_terminal=True, width=100)) as bar:
        bar.title = "train@small"
        bar.show("epoch 1 of 2, step 1 of 4", 1, 8)
        bar.show("epoch 1 of 2, step 2 of 4", 2, 8)
    assert "train@small epoch 1 of 2, step 2 of 4" in screen.getvalue()
    assert "left" in screen.getvalue()


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample is not here")
def test_a_stage_reports_to_the_pipeline_that_runs_it(project: Project) -> None:
    write_clips(project.folder / "clips")
    project.change_params(
        lambda params: (
            params["dataset"].update(videos="clips"),
            params["split"].update(protocol="frame"),
        )
    )
    found = []
    for stage in ("dataset", "split"):
        ended = project.command("run", stage, DFD_REPORTS="1")
        assert ended.returncode == 0, ended.stderr
        found += reports(ended.stdout)
    videos = 2 * PAIRS + 2
    assert {"text": f"0 of {videos} videos", "done": 0, "total": videos} in found
    assert any("made from this split is LEAKY" in str(one.get("warning")) for one in found)
