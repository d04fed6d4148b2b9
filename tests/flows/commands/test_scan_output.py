from pathlib import Path

import pytest

from benchmarks.detectors import card_of
from dfd.errors import VideoGivenUp
from dfd.scan.worker import NamedDetector, give_up
from flows.commands.scan_output import print_table
from tests.detectors import write_detector


@pytest.mark.parametrize("synthetic", [False, True])
def test_a_detector_that_knows_rendered_people_only_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], synthetic: bool
) -> None:
    domain = card_of().domain.model_copy(update={"synthetic": synthetic})
    detector = NamedDetector(write_detector(tmp_path / "d", domain=domain), "d")
    scan = give_up(Path("empty.mp4"), detector, VideoGivenUp("unreadable", "is empty"))
    assert scan.record.model.synthetic == synthetic
    print_table([scan.record])
    printed = " ".join(capsys.readouterr().out.split())
    assert ("rendered people only" in printed) == synthetic
    assert "evidence, not proof" in printed
