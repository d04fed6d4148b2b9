"""Reading ``params.yaml``: each section is a frozen, checked record."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dfd.errors import ParamsError

SECTIONS = (
    *("dataset", "split", "faces", "workers", "train", "candidates"),
    *("evaluate", "robustness", "register"),
)
# Where keys of earlier versions of the file have gone.
_MOVED = {
    "faces.runner": "workers.runner",
    "faces.dask_address": "workers.dask_address",
    "faces.time_limit_s": "workers.time_limit_s",
    "faces.memory_limit_mb": "workers.memory_limit_mb",
    "train.candidates": "candidates, a section of its own",
}

Fraction = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Section(BaseModel):
    """A section of the file: frozen, and an unknown key is an error, so that no typo goes unseen.

    Attributes:
        SECTION: The section's name in the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    SECTION: ClassVar[str]


S = TypeVar("S", bound=Section)


def read_params(path: Path) -> dict[str, Any]:
    """Return the file as a mapping of sections.

    Raises:
        ParamsError: The file is missing, is not YAML, is not a mapping, or has a key where only an
            earlier version of dfd had it.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParamsError(
            f"{path}: cannot be read ({error.strerror}); run in the project's root"
        ) from error
    except yaml.YAMLError as error:
        line = str(error).replace("\n", " ")
        raise ParamsError(f"{path}: not valid YAML ({line}); mend the file") from error
    if not isinstance(content, dict):
        raise ParamsError(f"{path}: holds no sections; expected {', '.join(SECTIONS)}")
    for old, new in _MOVED.items():
        section, key = old.split(".")
        if isinstance(content.get(section), dict) and key in content[section]:
            raise ParamsError(f"{path}: {old}: this key has moved; write it as {new}")
    return content


def load_section(section: type[S], path: Path = Path("params.yaml")) -> S:
    """Return one checked section of the file.

    Args:
        section: The record to fill; its ``SECTION`` names the section.
        path: The file.

    Raises:
        ParamsError: The section or one of its keys is missing, unknown or out of range.
    """
    name = section.SECTION
    return checked(section, read_params(path).get(name), f"{path}: {name}")


def checked(section: type[S], content: Any, where: str) -> S:
    """Return a record filled from ``content``.

    Args:
        section: The record to fill.
        content: A mapping of its keys; None where the file has no such section.
        where: File and section, for the error's line.

    Raises:
        ParamsError: ``content`` or one of its keys is missing, unknown or out of range.
    """
    if content is None:
        raise ParamsError(f"{where} is missing; restore it from the params.yaml of the repository")
    try:
        return section.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        complete = first["type"] in ("missing", "value_error")  # the message needs no value
        value = "" if complete else f" (got {first['input']!r})"
        problem = first["msg"].removeprefix("Value error, ")
        raise ParamsError(f"{where}{'.' if key else ''}{key}: {problem}{value}") from error
