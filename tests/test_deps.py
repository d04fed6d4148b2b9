"""What ``dvc.yaml`` names as the code of a stage, against what the stage imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.data import ROOT

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
# Modules that start a stage, show its progress, log it or word its errors: no output follows from
# them, and a change of theirs must not train every candidate again.
MAKES_NO_OUTPUT = {
    *(
        "dfd",
        "dfd.errors",
        "dfd.extras",
        "dfd.params.workers",
        "tasks",
        "tasks.progress",
        "tasks.tracking",
        "tasks.workers",
    ),
    *("flows", "flows.paths", "flows.progress", "flows.runner", "flows.server", "flows.stage"),
}


def modules() -> dict[str, Path]:
    """Return the file of every module, by its name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for folder in ("dfd", "tasks", "flows")
        for path in (ROOT / folder).rglob("*.py")
    }


MODULES = modules()


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of this project that a file imports, anywhere but for type checkers."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            for name in node.names:
                module = f"{node.module}.{name.name}"
                yield module if module in MODULES else node.module


def closure(module: str) -> set[str]:
    """Return a module and all that it imports, directly or through others."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += imported(MODULES[name])
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_the_deps_of_a_stage_are_what_its_flow_imports(stage: str) -> None:
    listed = (STAGES[stage].get("do") or STAGES[stage])["deps"]
    code = [Path(dep) for dep in listed if dep.split("/")[0] in ("dfd", "tasks", "flows")]
    needed = {
        MODULES[name].relative_to(ROOT) for name in closure(f"flows.{stage}") - MAKES_NO_OUTPUT
    }
    missing = {
        path.as_posix()
        for path in needed
        if not any(path == dep or dep in path.parents for dep in code)
    }
    unused = {
        dep.as_posix()
        for dep in code
        if not any(path == dep or dep in path.parents for path in needed)
    }
    assert missing == set(), "imported, but not among the deps"
    assert unused == set(), "among the deps, but not imported"


def test_what_makes_no_output_exists() -> None:
    assert set(MODULES) >= MAKES_NO_OUTPUT


def test_a_stage_stands_after_those_whose_output_it_reads() -> None:
    """``dfd pipeline --without`` runs the stages one by one, in the order of the file."""
    made: set[str] = set()
    for name, stage in STAGES.items():
        content = stage.get("do", stage)
        read = {dep for dep in content["deps"] if dep.startswith("data/")}
        assert read <= made, name
        made |= {out if isinstance(out, str) else next(iter(out)) for out in content["outs"]}
