import json
from pathlib import Path

import yaml

from dfd.params.data import DatasetParams
from dfd.params.section import load_section
from tests.project import Project


def test_use_points_the_params_at_a_folder_and_keeps_the_rest(
    project: Project, tmp_path: Path
) -> None:
    clips = tmp_path / "my clips"
    (clips / "REAL").mkdir(parents=True)
    (clips / "REAL" / "a.mp4").write_bytes(b"x")
    path = project.folder / "params.yaml"
    before = path.read_text()
    ended = project.command("use", str(clips))
    assert ended.returncode == 0, ended.stderr
    assert load_section(DatasetParams, path) == DatasetParams(
        videos=str(clips), layout="folder", name="my clips"
    )
    old, new = yaml.safe_load(before), yaml.safe_load(path.read_text())
    del old["dataset"], new["dataset"]
    assert old == new
    kept = [line for line in before.splitlines() if line.strip().startswith("#")]
    assert all(comment in path.read_text() for comment in kept)


def test_use_refuses_a_folder_that_cannot_be_used_and_changes_nothing(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "metadata.json").write_text(json.dumps({"gone.mp4": {"label": "REAL"}}))
    before = (project.folder / "params.yaml").read_text()
    ended = project.command("use", str(tmp_path / "clips"))
    assert ended.returncode == 2
    assert ended.stderr.startswith("dfd: ")
    assert "do not exist" in ended.stderr
    assert (project.folder / "params.yaml").read_text() == before


def test_summary_before_any_run_says_what_to_run(project: Project) -> None:
    ended = project.command("summary")
    assert ended.returncode == 2
    assert "run `make demo`" in ended.stderr


def test_summary_names_a_damaged_result(project: Project) -> None:
    (project.folder / "metrics").mkdir()
    (project.folder / "metrics" / "split.json").write_text("{half")
    ended = project.command("summary")
    assert ended.returncode == 2
    assert ended.stderr.startswith("dfd: metrics/split.json: damaged")
