"""What the code imports against what ``pyproject.toml`` declares, layer by layer."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.data import ROOT
from tests.test_deps import MODULES, closure

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = ("scan", "workflow", "dev")
# Parts of a declared package that are distributed by themselves, in the version that it asks for.
PARTS = {
    "dask": "prefect-dask",
    "distributed": "prefect-dask",
    "h11": "uvicorn",
    "pydantic_core": "pydantic",
}
# What a scan can do without: the registry's address of a detector, Grad-CAM, the larger face
# detector and manifests. The functions of a scan's modules that nothing of a scan calls need more.
OPTIONAL = {
    "workflow": {
        *("filelock", "keras", "mlflow", "pandas", "retinaface", "sqlalchemy"),
        "tensorflow",
    },
    "provenance": {"c2pa"},
}
PROGRAMS = {"pip"}  # run, never imported


def normal(name: str) -> str:
    """Return a distribution's name in the one spelling that all spellings stand for."""
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: Iterable[str]) -> set[str]:
    """Return the names of the distributions that requirements ask for."""
    return {normal(re.match(r"[\w.-]+", requirement)[0]) for requirement in requirements}


CORE = names(PROJECT["dependencies"])
EXTRAS = {extra: names(listed) for extra, listed in PROJECT["optional-dependencies"].items()}


def imported(paths: Iterable[Path]) -> set[str]:
    """Return the top-level modules of other projects that files import, anywhere."""
    found: set[str] = set()
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                node.body = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
    tops = {name.split(".")[0] for name in found}
    return tops - set(sys.stdlib_module_names) - {"dfd", "tasks", "flows"}


def distributions(modules: Iterable[str]) -> set[str]:
    """Return the distributions that modules come from; of several, the one that is declared."""
    declared = CORE.union(*EXTRAS.values())
    providers = {
        module: {normal(PARTS.get(module, name)) for name in names}
        for module, names in packages_distributions().items()
    }
    found = [providers[module] for module in modules if module in providers]
    return {min(each & declared or each) for each in found}


def test_every_imported_package_is_declared() -> None:
    found = imported(MODULES.values())
    assert {"ruamel", "cv2", "yaml"} <= found & set(packages_distributions())
    assert distributions(found) <= CORE.union(*EXTRAS.values())


def test_the_core_is_what_scan_and_serve_import() -> None:
    reached = closure("flows.commands.scan") | closure("flows.commands.serve")
    found = imported(MODULES[name] for name in reached)
    optional = set().union(*OPTIONAL.values())
    assert optional <= found
    assert distributions(found - optional) | PROGRAMS == CORE


def test_what_a_scan_can_do_without_is_in_the_extra_that_is_named() -> None:
    for extra, modules in OPTIONAL.items():
        assert distributions(modules) <= EXTRAS[extra]


def locked(layer: str) -> set[str]:
    """Return the lines of a lock that name a version."""
    lines = (ROOT / "requirements" / f"{layer}.lock").read_text().splitlines()
    return {line.removesuffix(" \\") for line in lines if re.match(r"\w", line)}


def test_the_locks_name_the_same_versions() -> None:
    scan, workflow, dev = map(locked, LOCKS)
    versions = {line.partition(";")[0].strip() for line in dev}
    for smaller in (scan, workflow):
        assert {line.partition(";")[0].strip() for line in smaller} <= versions
    held = [{normal(line.partition("==")[0]) for line in lines} for lines in (scan, workflow, dev)]
    assert held[0] <= held[1] <= held[2]
    assert held[0] >= CORE
    assert EXTRAS["workflow"] <= held[1]
    assert EXTRAS["dev"] - {"dfd"} <= held[2]
    assert not held[1] & {"jax", "playwright", "pytest"}
