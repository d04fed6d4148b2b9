"""What every HTML page shares: the stylesheet, the frame of a document, and how it is rendered."""

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from dfd.colours import DARK_TEXT_COLOURS, TEXT_COLOURS
from dfd.words import counted, displayed


def environment(package: str) -> Environment:
    """Return the Jinja environment that renders the templates of a package.

    Values are escaped, and a name that a template uses but nobody gave is an error. A template of
    the package that begins with ``{% extends "base.html" %}`` becomes a document that holds its
    stylesheet, so that it needs no other file and no network.

    Args:
        package: Name of an imported package with a folder ``templates``, such as ``dfd.scan``.

    Returns:
        The environment; templates may use the filters ``counted`` and ``displayed`` of
        ``dfd.words``.

    Example:
        >>> pages = environment("dfd.scan")
        >>> pages.from_string("{{ 2 | counted('video') }} of {{ owner }}").render(owner="<B>")
        '2 videos of &lt;B&gt;'
        >>> "<style>" in pages.get_template("index.html").render(rows=[], supposed="")
        True
    """
    pages = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("dfd.pages")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    pages.filters |= {"counted": counted, "displayed": displayed}
    pages.globals |= {"light": TEXT_COLOURS, "dark": DARK_TEXT_COLOURS}  # for style.css
    return pages
