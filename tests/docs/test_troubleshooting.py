"""Every line that ``docs/troubleshooting.md`` quotes is one that the program prints."""

import ast
import re
from collections.abc import Iterator

from tests.data import ROOT

FOREIGN = {
    "ERROR: failed to parse 'stages.train.foreach' in 'dvc.yaml': Could not find 'candidates'",
}


def texts() -> Iterator[str]:
    """Yield the string literals of the source, with a null character where a value goes."""
    for package in ("dfd", "tasks", "flows"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    parts = (p.value if isinstance(p, ast.Constant) else "\0" for p in node.values)
                    yield "".join(map(str, parts))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value.replace("%s", "\0")


def test_quoted_lines_are_in_the_source() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    quoted = "".join(re.findall(r"^```text\n(.*?)^```", page, re.DOTALL | re.MULTILINE))
    # A value may be anything; a text that is all value would match every line.
    patterns = [
        re.compile(".*".join(map(re.escape, text.split("\0"))))
        for text in texts()
        if len(text.replace("\0", "")) > 12 and " " in text
    ]
    lines = [
        line.removeprefix("dfd: ").removeprefix("candidates.….")  # the key is put before the error
        for line in quoted.splitlines()
        if line not in FOREIGN
    ]
    assert len(lines) > 15
    for line in lines:
        assert any(pattern.fullmatch(line) for pattern in patterns), line
