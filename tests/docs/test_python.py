"""The examples of ``docs/python.md`` run, one after the other."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.data import ROOT
from tests.detectors import write_detector

PAGE = ROOT / "docs" / "python.md"


def test_the_examples_run_and_print_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("params.yaml", "samples"):
        (tmp_path / name).symlink_to(ROOT / name)
    write_detector(tmp_path / "models" / "champion")
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    examples = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, str(PAGE), "exec"), names)
    printed = re.findall(r"^print\(.*\)  # (.*)$", page, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == printed
    low, high = names["record"].interval
    assert low < names["record"].probability < high
    assert names["evaluation"].coverage.videos == len(names["test"])
