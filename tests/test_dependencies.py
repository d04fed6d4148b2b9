"""What the code imports against what ``pyproject.toml`` declares."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from tests.data import ROOT

PACKAGES = ("dfd", "tasks", "flows")
# Parts of a declared package that are distributed by themselves, in the version that it asks for.
PARTS = {
    "dask": "prefect-dask",
    "distributed": "prefect-dask",
    "pydantic_core": "pydantic",
    "starlette": "fastapi",
}


def normal(name: str) -> str:
    """Return a distribution's name in the one spelling that all spellings stand for."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported() -> set[str]:
    """Return the top-level modules of other projects that the packages import, anywhere."""
    names: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names.add(node.module)
    tops = {name.split(".")[0] for name in names}
    return tops - set(sys.stdlib_module_names) - set(PACKAGES)


def test_every_imported_package_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    listed = [*project["dependencies"], *extras["provenance"], *extras["jax"]]
    declared = {normal(re.match(r"[\w.-]+", requirement)[0]) for requirement in listed}
    assert set(PARTS.values()) <= declared
    providers = packages_distributions()
    undeclared = {
        name
        for name in imported() - set(PARTS)
        if name in providers and not {normal(each) for each in providers[name]} & declared
    }
    assert undeclared == set()
    assert {"ruamel", "cv2", "yaml"} <= imported() & set(providers)
