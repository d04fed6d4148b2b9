from pathlib import Path

from dfd.dataset.layouts.videos import LabelledVideo
from tasks.workers import run_name


def test_names_of_runs_are_one_printable_line_whatever_a_video_is_called() -> None:
    forged = "a.mp4\n12:00:00.000 | ERROR | the stage has failed\x1b[0m"
    for video in (forged, LabelledVideo(Path("a.mp4"), forged, "REAL")):
        name = run_name("faces")({"video": video})
        assert name.startswith("faces a.mp4�12:00")
        assert name.isprintable()
    assert len(run_name("faces")({"video": "x" * 5000})) < 140
