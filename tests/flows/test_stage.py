"""Errors as a user meets them: one line, exit code 2, nothing lost."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.stage import CANDIDATE_STAGES, STAGES
from tests.data import ROOT
from tests.project import Project, write_clips


def set_videos(project: Project, videos: str) -> None:
    def change(params: dict[str, Any]) -> None:
        params["dataset"]["videos"] = videos

    project.change_params(change)


def own_lines(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if line.startswith("dfd: ")]


def test_a_missing_folder_is_one_line_without_a_traceback(project: Project) -> None:
    set_videos(project, "gone")
    ended = project.run("flows.dataset")
    assert ended.returncode == 2
    assert own_lines(ended.stderr) == [
        "dfd: gone: cannot be listed (No such file or directory); set dataset.videos in "
        "params.yaml to your folder of videos"
    ]
    assert "Traceback" not in ended.stderr + ended.stdout


def test_a_traceback_is_there_for_who_asks(project: Project) -> None:
    set_videos(project, "gone")
    ended = project.command("run", "dataset", DFD_DEBUG="1")
    assert ended.returncode != 0
    assert "Traceback" in ended.stderr


def test_a_file_that_the_disk_has_no_room_for_is_one_line(project: Project, tmp_path: Path) -> None:
    write_clips(tmp_path / "clips")
    set_videos(project, "../clips")
    ended = subprocess.run(
        ["bash", "-c", f"ulimit -f 1; {sys.executable} -m flows.dataset"],  # 1 KB a file
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(project.folder), "PREFECT_API_URL": project.api},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert own_lines(ended.stderr) == [
        "dfd: data/videos.csv: cannot be written (File too large); make room or give rights, then "
        "run again"
    ]
    assert "Traceback" not in ended.stderr + ended.stdout


def test_a_stage_before_its_time_names_the_one_to_run(project: Project) -> None:
    ended = project.command("run", "split")
    assert ended.returncode == 2
    (line,) = own_lines(ended.stderr)
    assert line.endswith("run `dvc repro dataset`")


def test_a_failed_stage_ends_the_pipeline_with_its_own_line(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "metadata.json").write_text('{"a.mp4": {"label": "MAYBE"}}')
    (tmp_path / "clips" / "a.mp4").write_bytes(b"x")
    set_videos(project, str(tmp_path / "clips"))
    ended = project.command("pipeline")
    assert ended.returncode == 2
    line = own_lines(ended.stderr)[-1]
    assert line.startswith("dfd: stage dataset failed: ")
    assert "the label of 'a.mp4' is 'MAYBE'" in line
    assert "Traceback" not in ended.stderr


def test_serving_without_a_server_says_how_to_start_one(project: Project) -> None:
    ended = project.command("pipeline", "--serve", PREFECT_API_URL="")
    assert ended.returncode == 2
    assert "start `prefect server start`" in own_lines(ended.stderr)[0]


def test_a_schedule_that_is_none_is_one_line(project: Project) -> None:
    ended = project.command("pipeline", "--serve", "--cron", "nonsense")
    assert ended.returncode == 2
    assert own_lines(ended.stderr) == [
        "dfd: --cron 'nonsense': not five cron fields, as in '0 2 * * *'"
    ]


def test_a_server_that_does_not_answer_is_named(project: Project) -> None:
    ended = project.command("run", "split", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert ended.returncode == 2
    (line,) = own_lines(ended.stderr)
    assert "no Prefect server answers at http://127.0.0.1:9/api" in line
    assert "Traceback" not in ended.stderr


def test_a_candidate_that_is_not_there_cannot_be_left_out(project: Project) -> None:
    ended = project.command("pipeline", "--without", "vgg")
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "--without vgg: no such candidate; there are inception_resnet_v2, mesonet" in line


def test_broken_params_are_named_by_the_pipeline(project: Project) -> None:
    (project.folder / "params.yaml").write_text("dataset: [")
    ended = project.command("pipeline")
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("dfd: params.yaml: not valid YAML (line 1, column 11: ")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["bogus"], "bogus: no such stage; the stages are dataset, faces, split, train, "),
        (["train"], "train: this stage needs one candidate; name one of params.yaml"),
        (["split", "mesonet"], "split: this stage takes no candidate; leave out 'mesonet'"),
        (["train", "vgg"], "params.yaml: no candidate 'vgg'; there are inception_resnet_v2, "),
    ],
)
def test_a_stage_that_cannot_run_is_one_line(
    project: Project, arguments: list[str], line: str
) -> None:
    ended = project.command("run", *arguments)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"dfd: {line}")
    assert len(ended.stderr.splitlines()) == 1


def test_the_form_of_a_stage_in_dvc_yaml_needs_its_candidate_too(project: Project) -> None:
    ended = project.run("flows.evaluate")
    assert ended.returncode == 2
    (line,) = own_lines(ended.stderr)
    assert line.startswith("dfd: evaluate: this stage needs one candidate")


def test_a_stage_runs_by_its_name(project: Project) -> None:
    set_videos(project, "gone")
    ended = project.command("run", "dataset")
    assert ended.returncode == 2
    (line,) = own_lines(ended.stderr)
    assert line.startswith("dfd: gone: cannot be listed")
    debugged = project.command("run", "dataset", DFD_DEBUG="1")
    assert debugged.returncode != 0
    assert "Traceback" in debugged.stderr


def test_the_stages_are_those_of_dvc_yaml() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert tuple(stages) == STAGES
    assert {name for name in stages if "foreach" in stages[name]} == set(CANDIDATE_STAGES)


def test_a_schedule_without_a_server_to_keep_it_is_refused(project: Project) -> None:
    ended = project.command("pipeline", "--cron", "0 3 * * *")
    assert ended.returncode == 2
    assert ended.stderr == (
        "dfd: --cron: is a schedule for --serve; add --serve, or leave out --cron\n"
    )


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from flows.commands.__main__ import app\n"
        "app(['--help'], standalone_mode=False)\n"
        "print({'pandas', 'prefect', 'mlflow', 'keras', 'onnxruntime', 'cv2'} & set(sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines()[-1] == "set()"
    for command in ("use", "run", "pipeline", "summary", "extract", "scan", "serve", "registry"):
        assert f" {command} " in ended.stdout
