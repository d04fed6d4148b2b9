"""The templates of ``dfd/evaluate/templates``, filled in."""

import re
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from dfd.evaluate.wording import count, interval_of, number, percent


def render(template: str, values: Mapping[str, Any]) -> str:
    """Return a template filled in; what goes into HTML or Markdown is escaped.

    Args:
        template: Its file name; ``.html`` or ``.md`` says what it makes.
        values: By the names it uses.
    """
    environment = Environment(
        loader=PackageLoader("dfd.evaluate"),
        autoescape=template.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": number, "percent": percent, "plain": plain, "count": count}
    environment.globals["interval"] = interval_of
    if template.endswith(".md"):
        environment.finalize = markdown
    return environment.get_template(template).render(values)


def plain(name: str) -> str:
    """Return a key as words."""
    return name.replace("_", " ")


def markdown(value: Any) -> Any:
    """Return text of which nothing is markup to Markdown or HTML, on one line."""
    if not isinstance(value, str):
        return value
    line = " ".join(value.split())
    escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", escaped)
