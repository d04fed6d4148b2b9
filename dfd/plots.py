"""What every picture shares: colours, a panel with its title, and writing it as PNG."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font

from dfd.files import replacing
from dfd.words import displayed

COLOURS = {"REAL": "#1f6fb4", "FAKE": "#e07b00"}


TEXT_COLOURS = {"REAL": "#1f6fb4", "FAKE": "#a85b00"}  # the same, dark enough for words on white


INK, FAINT = "#222222", "#8a8a8a"


_FONT = "DejaVu Sans"  # comes with matplotlib


SQUARE = (5.2, 5.0)


def panel(title: str, size: tuple[float, float] = SQUARE) -> tuple[Figure, Axes]:
    """Return a figure of one panel."""
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    titled(axes, title)
    return figure, axes


def shortened(text: str, length: int) -> str:
    """Return text as a picture can show it, by ``displayed``; a sign without a glyph is �, too."""
    font = get_font(findfont(_FONT))
    drawn = (sign if font.get_char_index(ord(sign)) else "�" for sign in text)
    return displayed("".join(drawn), length)


def write_figure(path: Path, figure: Figure) -> None:
    """Write a figure as PNG without a date, all or nothing."""
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=140, metadata={"Software": None})


def titled(axes: Axes, title: str) -> None:
    axes.set_title(shortened(title, 64), fontsize=10.5, loc="left", parse_math=False)
