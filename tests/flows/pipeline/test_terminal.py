import io
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from flows.pipeline.terminal import Terminal, new_log, stderr_in


def report(**content: object) -> str:
    return f"\x1e{json.dumps(content)}\n"


def test_a_stage_is_a_line_and_the_rest_is_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    log = io.StringIO()
    with Terminal(log) as terminal:
        terminal.begin("faces")
        assert terminal.take("20:30 | INFO | 48 crops\n") == "20:30 | INFO | 48 crops\n"
        assert terminal.take(f"fetching {report(text='1 of 2', done=1, total=2)}") == "fetching "
        terminal.take(report(warning="a.mp4: no crop"))
        terminal.end("faces", 71.2, "48 crops of 14 videos")
    assert log.getvalue() == "20:30 | INFO | 48 crops\nfetching "
    warned, line = capsys.readouterr().out.splitlines()
    assert warned.split() == ["warning:", "a.mp4:", "no", "crop"]
    assert line.split(maxsplit=5) == ["faces", "1", "min", "11", "s", "48 crops of 14 videos"]


def test_of_many_warnings_a_few_are_shown_and_the_others_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Terminal(io.StringIO()) as terminal:
        for stage in ("faces", "train@small"):
            terminal.begin(stage)
            for number in range(5):
                terminal.take(report(warning=f"{stage} {number}"))
            terminal.end(stage, 1, "")
    shown = capsys.readouterr().out
    assert "faces 2" in shown
    assert "faces 3" not in shown
    assert "train@small 0" in shown, "each stage is counted by itself"
    assert shown.count("2 more warnings in the log") == 2


def test_ten_logs_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    logs = Path(".cache/logs")
    logs.mkdir(parents=True)
    for day in range(10, 25):
        (logs / f"pipeline-2020-01-{day}-000000.log").touch()
    log = new_log()
    kept = sorted(path.name for path in logs.iterdir())
    assert len(kept) == 10
    assert kept[0] == "pipeline-2020-01-16-000000.log"
    assert kept[-1] == log.name


def test_what_libraries_write_is_logged_and_what_the_program_says_is_not(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "x.log"
    log.write_text("before\n")
    with stderr_in(log):
        os.write(2, b"native noise\n")
        subprocess.run([sys.executable, "-c", "import os; os.write(2, b'child\\n')"], check=True)
        warnings.warn("a library's warning", stacklevel=1)
        print("dfd: stage x failed", file=sys.stderr)
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "dfd: stage x failed\nafterwards\n"
    logged = log.read_text()
    assert logged.startswith("before\nnative noise\nchild\n")
