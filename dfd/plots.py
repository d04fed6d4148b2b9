"""What every picture shares: a panel with its title, text that its font can draw, and the PNG."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font

from dfd.files import replacing
from dfd.words import displayed

INK, FAINT = "#222222", "#8a8a8a"
_FONT = "DejaVu Sans"  # comes with matplotlib
SQUARE = (5.2, 5.0)  # inches


def panel(title: str, size: tuple[float, float] = SQUARE) -> tuple[Figure, Axes]:
    """Return a figure with one panel, and the panel.

    Args:
        title: The title above the panel; the middle of a long one is left out.
        size: Width and height of the figure, inches.
    """
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    titled(axes, title)
    return figure, axes


def shortened(text: str, length: int) -> str:
    """Return text as a picture can show it.

    Characters that matplotlib's font cannot draw, and control characters, become �. The middle of
    a long text becomes ….

    Args:
        text: Any text, such as the name of a video.
        length: The most characters to return.

    Example:
        >>> shortened("a-face-that-was-swapped.mp4", 16)
        'a-face-…pped.mp4'
    """
    font = get_font(findfont(_FONT))
    drawn = (sign if font.get_char_index(ord(sign)) else "�" for sign in text)
    return displayed("".join(drawn), length)


def write_figure(path: Path, figure: Figure) -> None:
    """Write a figure as PNG, all or nothing.

    The file names neither a date nor a version of matplotlib, so that one figure gives one file.
    """
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=140, metadata={"Software": None})


def titled(axes: Axes, title: str) -> None:
    """Write a panel's title to its upper left; the middle of a long title is left out."""
    axes.set_title(shortened(title, 64), fontsize=10.5, loc="left", parse_math=False)
