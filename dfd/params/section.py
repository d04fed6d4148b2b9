"""Reading ``params.yaml``: each section becomes a frozen record whose values are checked."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from dfd.errors import ParamsError

SECTIONS = (
    *("dataset", "split", "faces", "workers", "train", "candidates"),
    *("evaluate", "robustness", "register"),
)
# Keys of earlier versions of the file, and where they are now.
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
    """A section of the file, frozen. An unknown key is an error, so that a typo is noticed.

    Attributes:
        SECTION: Name of the section in the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    SECTION: ClassVar[str]


S = TypeVar("S", bound=Section)


def read_params(path: Path) -> dict[str, Any]:
    """Read the file without checking the values of its keys.

    Args:
        path: The YAML file.

    Returns:
        The content of each section by its name.

    Raises:
        ParamsError: The file is missing, is not YAML or not a mapping, or has a key in the place
            where only an earlier version of dfd read it.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParamsError(
            f"{path}: cannot be read ({error.strerror}); run in the project's root"
        ) from error
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise ParamsError(f"{path}: not valid YAML ({_place(error)}); correct the file") from error
    if not isinstance(content, dict):
        raise ParamsError(f"{path}: holds no sections; expected {', '.join(SECTIONS)}")
    for old, new in _MOVED.items():
        section, key = old.split(".")
        if isinstance(content.get(section), dict) and key in content[section]:
            raise ParamsError(f"{path}: {old}: this key has moved; write it as {new}")
    return content


def _place(error: yaml.YAMLError) -> str:
    """Return where a file stops being YAML, and why, on one line."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return " ".join(str(error).split())
    return f"line {mark.line + 1}, column {mark.column + 1}: {getattr(error, 'problem', '')}"


def load_section(section: type[S], path: Path = Path("params.yaml")) -> S:
    """Read and check one section of the file.

    Args:
        section: The class of its record, such as ``FacesParams``.
        path: The YAML file.

    Raises:
        ParamsError: The section or one of its keys is missing, or a key is unknown or out of range.

    Example:
        >>> from dfd.params.faces import FacesParams
        >>> load_section(FacesParams, Path("params.yaml")).crop_size
        128
    """
    name = section.SECTION
    return checked(section, read_params(path).get(name), f"{path}: {name}")


def checked(section: type[S], content: Any, where: str) -> S:
    """Check the content of a section and return its record.

    Args:
        section: The class of the record.
        content: The keys of the section and their values; None where the file lacks the section.
        where: File and section, for the error message.

    Raises:
        ParamsError: The section or one of its keys is missing, or a key is unknown or out of range.

    Example:
        >>> from dfd.params.data import SplitFractions
        >>> checked(SplitFractions, {"train": 0.5, "tset": 0.5}, "params.yaml: split.fractions")
        Traceback (most recent call last):
        dfd.errors.ParamsError: params.yaml: split.fractions.tset: no such key; there are train,
        validation, test
    """
    if content is None:
        raise ParamsError(
            f"{where} is missing; copy this section from the params.yaml of the repository"
        )
    try:
        return section.model_validate(content)
    except ValidationError as error:
        problems = error.errors()
        # A misspelt key is also missing; naming the misspelt one helps more.
        unknown = [problem for problem in problems if problem["type"] == "extra_forbidden"]
        first = (unknown or problems)[0]
        key = "".join(f".{part}" for part in first["loc"])
        raise ParamsError(f"{where}{key}: {_problem(section, first)}") from error


def _problem(section: type[Section], error: ErrorDetails) -> str:
    """Return what is wrong with a key, and what to write instead."""
    match error["type"]:
        case "extra_forbidden":
            known: Any = section
            for part in error["loc"][:-1]:
                known = known.model_fields[part].annotation
            return f"no such key; there are {', '.join(known.model_fields)}"
        case "missing":
            return "is missing; copy it from the params.yaml of the repository"
        case "model_type":
            return f"must map keys to values (got {error['input']!r})"
        case "value_error":  # our own validators, whose message names the value
            return error["msg"].removeprefix("Value error, ")
    return f"{error['msg']} (got {error['input']!r})"
