import pytest
from jinja2 import UndefinedError

from dfd.colours import DARK_TEXT_COLOURS, TEXT_COLOURS
from dfd.pages import environment


def test_a_page_holds_its_stylesheet_in_the_colours_of_the_pictures() -> None:
    page = environment("dfd.scan").get_template("index.html").render(rows=[], supposed="")
    style = page.split("<style>")[1].split("</style>")[0]
    assert all(colour in style for colour in (*TEXT_COLOURS.values(), *DARK_TEXT_COLOURS.values()))
    assert "{{" not in style


def test_a_name_that_nobody_gave_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="verdict"):
        environment("dfd.scan").from_string("{{ verdict }}").render()


def test_names_cannot_become_markup() -> None:
    template = environment("dfd.scan").from_string("{{ name | displayed(40) }}")
    assert template.render(name="<b>\u202ex.mp4") == "&lt;b&gt;�x.mp4"
