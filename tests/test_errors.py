"""The one line that an error is to a user."""

import os

from dfd.errors import VideoError


def test_a_name_forges_no_second_line_and_no_colours() -> None:
    name = "clip\r\ndfd: all is well\x1b[2K\u2028\u202e\x85.mp4" + os.fsdecode(b"\xff")
    line = VideoError(f"{name}: is empty").line
    assert line.splitlines() == [line]
    assert line.isprintable()
    assert line == r"clip\r\ndfd: all is well\x1b[2K\u2028\u202e\x85.mp4\udcff: is empty"
    assert VideoError("Größe 3×4, zu groß…").line == "Größe 3×4, zu groß…"
