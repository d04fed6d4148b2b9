"""Draw ``docs/architecture.svg``: the stages, the files between them, and which tool owns what.

Stages and files are those of ``dvc.yaml``; a stage has an arrow to MLflow where the module with its
tasks imports ``tasks.tracking`` or ``tasks.registry``. Run ``make docs`` after a change of
either; a test compares the committed picture with what this module draws.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "architecture.svg"

_DOES = {
    "dataset": "index labelled videos",
    "split": "parts by group, audited",
    "faces": "find, follow, crop faces",
    "train": "one detector a candidate",
    "evaluate": "figures with intervals",
    "robustness": "AUC under damage",
    "register": "the gate: who leads",
}
_OWNS = {
    "Prefect": "runs, retries, schedules stages",
    "DVC": "keeps files by their hash; repeats a stage only when what it reads (●) has changed",
    "MLflow": "runs and models",
}
_LEFT, _STAGE_WIDTH, _FILES, _COLUMN, _MLFLOW_WIDTH = 16, 190, 236, 94, 164
_TOP, _ROW, _BOX = 92, 58, 42
_STYLE = """
  text { font: 13px system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328; }
  .small { font-size: 11.5px; fill: #59636e; }
  .title { font-weight: 600; font-size: 14px; }
  .file { font: 11.5px ui-monospace, Menlo, Consolas, monospace; }
  .page { fill: #ffffff; }
  .prefect { fill: #eaf2ff; } .dvc { fill: #f1f8f0; } .mlflow { fill: #fdf3e7; }
  .box { fill: #ffffff; stroke: #57606a; }
  .pill { fill: #ffffff; stroke: #2c7a3f; }
  .line { stroke: #57606a; fill: none; stroke-width: 1.3; }
  .life { stroke: #2c7a3f; stroke-width: 1.3; }
  .dot { fill: #2c7a3f; } .head { fill: #57606a; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .small { fill: #9aa6b2; }
    .page { fill: #0d1117; }
    .prefect { fill: #14233c; } .dvc { fill: #12261a; } .mlflow { fill: #2e2214; }
    .box { fill: #161b22; stroke: #9aa6b2; }
    .pill { fill: #161b22; stroke: #56b870; }
    .line { stroke: #9aa6b2; } .head { fill: #9aa6b2; }
    .life { stroke: #56b870; } .dot { fill: #56b870; }
  }"""


@dataclass(frozen=True)
class Stage:
    """A stage of ``dvc.yaml``.

    Attributes:
        name: Its name, without a candidate.
        reads: Files that it reads, of those that stages make.
        makes: Files that it makes.
        mlflow: Whether its tasks write to MLflow.
    """

    name: str
    reads: tuple[str, ...]
    makes: tuple[str, ...]
    mlflow: bool


def read_stages(root: Path = ROOT) -> list[Stage]:
    """Return the stages of ``dvc.yaml`` in their order."""
    stages = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    bodies: dict[str, Any] = {name: stage.get("do", stage) for name, stage in stages.items()}
    makes = {name: tuple(_unique(_made(body))) for name, body in bodies.items()}
    files = [file for made in makes.values() for file in made]
    return [
        Stage(name, tuple(_unique(_read(body, files))), makes[name], _uses_mlflow(root, name))
        for name, body in bodies.items()
    ]


def _made(body: dict[str, Any]) -> Iterator[str]:
    for kind in ("outs", "metrics", "plots"):
        for entry in body.get(kind, ()):
            yield _family(entry if isinstance(entry, str) else next(iter(entry)))


def _read(body: dict[str, Any], files: list[str]) -> Iterator[str]:
    for dependency in map(_family, body["deps"]):
        yield from (file for file in files if f"{file}/".startswith(f"{dependency}/"))


def _family(path: str) -> str:
    """Return the file or folder that the picture has for a path of ``dvc.yaml``."""
    path = re.sub(r"\$\{(key|item)\}", "<candidate>", path)
    return "metrics" if path.startswith("metrics/") else "/".join(path.split("/")[:2])


def _uses_mlflow(root: Path, name: str) -> bool:
    source = (root / "tasks" / f"{name}.py").read_text(encoding="utf-8")
    return bool(re.search(r"from tasks\.(tracking|registry) import", source))


def _unique(values: Iterator[str]) -> Iterator[str]:
    yield from dict.fromkeys(values)


def draw(stages: list[Stage]) -> str:
    """Return the picture as SVG."""
    files = list(_unique(file for stage in stages for file in stage.makes))
    files.sort(key=lambda file: file == "metrics")  # stages write figures last, and none reads them
    right = _FILES + _COLUMN * len(files)
    width, below = right + 30 + _MLFLOW_WIDTH, _TOP + _ROW * len(stages)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {below + 92}" '
            f'width="{width}" height="{below + 92}" role="img" aria-labelledby="title">',
            '<title id="title">The stages of dfd, the files between them, and the tools that own '
            "them</title>",
            f"<style>{_STYLE}\n</style>",
            '<rect class="page" width="100%" height="100%" rx="10"/>',
            *_band("Prefect", 6, _STAGE_WIDTH + 20, below),
            *_band("DVC", _FILES - 18, right - _FILES + 16, below),
            *_band("MLflow", right + 10, _MLFLOW_WIDTH + 14, below),
            *_lives(stages, files),
            *(part for row, stage in enumerate(stages) for part in _row(stage, row, files, right)),
            *_champion(below, right),
            "</svg>",
            "",
        ]
    )


def _band(tool: str, x: int, width: int, below: int) -> Iterator[str]:
    kind = tool.lower()
    yield f'<rect class="{kind}" x="{x}" y="8" width="{width}" height="{below - 8}" rx="8"/>'
    yield _text(x + 12, 32, tool, "title")
    yield _text(x + 12, 50, _OWNS[tool], "small")


def _lives(stages: list[Stage], files: list[str]) -> Iterator[str]:
    """Yield a line for each file that a stage reads, from its first maker to its last reader."""
    for file in _unique(file for stage in stages for file in stage.reads):
        rows = [row for row, stage in enumerate(stages) if file in (*stage.reads, *stage.makes)]
        x = _column(files, file)
        yield f'<path class="life" d="M{x} {_middle(rows[0])}V{_middle(rows[-1])}"/>'


def _row(stage: Stage, row: int, files: list[str], right: int) -> Iterator[str]:
    y, x2 = _middle(row), _LEFT + _STAGE_WIDTH
    top = y - _BOX // 2
    end = right + 22 if stage.mlflow else max(_column(files, file) for file in stage.makes)
    yield f'<path class="line" d="M{x2} {y}H{end}"/>'
    yield _box(_LEFT, top, _STAGE_WIDTH)
    yield _text(_LEFT + 12, y - 3, stage.name, "title")
    yield _text(_LEFT + 12, y + 13, _DOES[stage.name], "small")
    for file in stage.reads:
        yield f'<circle class="dot" cx="{_column(files, file)}" cy="{y}" r="5"/>'
    for file in stage.makes:
        yield from _pill(_column(files, file), y, file)
    if stage.mlflow:
        yield f'<path class="head" d="M{end} {y - 4}l8 4l-8 4z"/>'
        registers = stage.name == "register"
        yield _box(right + 30, top, _MLFLOW_WIDTH - 20)
        yield _text(right + 42, y - 3, "model registry" if registers else "the run", "title")
        holds = "versions, champion" if registers else "of this detector"
        yield _text(right + 42, y + 13, holds, "small")


def _pill(x: int, y: int, file: str) -> Iterator[str]:
    yield f'<rect class="pill" x="{x - 42}" y="{y - 18}" width="84" height="36" rx="8"/>'
    lines = re.findall(r"[^/]+/?", file)
    for number, line in enumerate(lines):
        yield _text(x, y + 4 + 14 * number - 7 * (len(lines) - 1), line, "file", "middle")


def _champion(below: int, right: int) -> Iterator[str]:
    """Yield what becomes of the detector that leads."""
    y = below + 46
    x = right - 4
    registry = right + 20 + _MLFLOW_WIDTH // 2
    yield f'<path class="line" d="M{registry} {below - 8}V{y}H{x}"/>'
    yield f'<path class="head" d="M{x + 8} {y - 4}l-8 4l8 4z"/>'
    yield f'<rect class="pill" x="{x - 124}" y="{y - 18}" width="124" height="36" rx="8"/>'
    yield _text(x - 62, y + 4, "models/champion", "file", "middle")
    yield f'<path class="line" d="M{x - 124} {y}H{x - 190}"/>'
    yield f'<path class="head" d="M{x - 182} {y - 4}l-8 4l8 4z"/>'
    yield _box(x - 380, y - 21, 190)
    yield _text(x - 368, y - 3, "dfd scan · dfd serve", "title")
    yield _text(x - 368, y + 13, "any new video", "small")
    yield f'<path class="line" d="M{x - 380} {y}H{x - 446}"/>'
    yield f'<path class="head" d="M{x - 438} {y - 4}l-8 4l8 4z"/>'
    yield _text(x - 456, y - 3, "a verdict with its evidence", "title", "end")
    yield _text(x - 456, y + 13, "FAKE, REAL or INCONCLUSIVE, and why", "small", "end")


def _box(x: int, y: int, width: int) -> str:
    return f'<rect class="box" x="{x}" y="{y}" width="{width}" height="{_BOX}" rx="6"/>'


def _text(x: int, y: int, content: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(content)}</text>'


def _column(files: list[str], file: str) -> int:
    return _FILES + _COLUMN * files.index(file) + _COLUMN // 2 - 8


def _middle(row: int) -> int:
    return _TOP + _ROW * row + _ROW // 2 - 12


if __name__ == "__main__":
    PICTURE.write_text(draw(read_stages()), encoding="utf-8")
