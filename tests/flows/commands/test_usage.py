"""A command line that cannot be used."""

from pathlib import Path

import pytest

from tests.commands import dfd


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["scan"], "Missing argument 'paths'."),
        (["pipeline", "--nope"], "No such option: --nope"),
        (["registry", "lists"], "No such command 'lists'. Did you mean 'list'?"),
    ],
)
def test_a_wrong_command_line_is_one_line(tmp_path: Path, arguments: list[str], line: str) -> None:
    ended = dfd(tmp_path, *arguments)
    assert ended.returncode == 2
    assert ended.stderr == f"dfd: {line} (see --help)\n"
    assert ended.stdout == ""


@pytest.mark.parametrize("group", [[], ["registry"]])
def test_a_command_that_is_not_named_is_answered_with_the_help(
    tmp_path: Path, group: list[str]
) -> None:
    ended = dfd(tmp_path, *group)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"Usage: {' '.join(['dfd', *group])} [OPTIONS] COMMAND")
    assert ended.stderr == dfd(tmp_path, *group, "--help").stdout


def test_a_switch_is_shown_without_a_value(tmp_path: Path) -> None:
    (serve,) = [
        line
        for line in dfd(tmp_path, "pipeline", "--help").stdout.splitlines()
        if "--serve " in line and line.startswith("  --")
    ]
    assert serve.split()[:2] == ["--serve", "Stay,"]
