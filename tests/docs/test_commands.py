"""The documents name commands and options of ``dfd`` that there are."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from flows.commands.__main__ import app
from tests.docs.test_links import PAGES

ROOT_COMMAND = get_command(app)


def commands(page: Path) -> list[list[str]]:
    """Return the words after ``dfd`` of every command in a page's shell blocks and code spans."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    spans = [" ".join(span.split()) for span in re.findall(r"`(dfd [^`]+)`", prose)]
    lines = [*"".join(blocks).replace("\\\n", " ").splitlines(), *spans]
    found = [re.search(r"(?:^|\s)dfd (.*)", line) for line in lines]
    return [shlex.split(match[1].split("&&")[0], comments=True) for match in found if match]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_exist(page: Path) -> None:
    for words in commands(page):
        command, rest = ROOT_COMMAND, list(words)
        while hasattr(command, "commands") and rest and rest[0] in command.commands:
            command = command.commands[rest.pop(0)]
        assert command is not ROOT_COMMAND or words[0].startswith("--"), words
        options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        named = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert named <= options, words


def test_commands_are_found_in_the_documents() -> None:
    found = {words[0] for page in PAGES for words in commands(page) if words}
    assert set(ROOT_COMMAND.commands) <= found
