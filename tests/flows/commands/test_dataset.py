import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.commands import dfd, program
from tests.data import ROOT
from tests.dataset.clips import write_clip
from tests.dataset.projects import write_tables
from tests.project import Project

ROOMS = 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a project's folder with a data set in it, indexed and split."""
    videos = tmp_path / "data" / "videos"
    labels = {}
    for room in range(ROOMS):
        write_clip(videos / f"real{room}.mp4", room, 0)
        write_clip(videos / f"fake{room}.mp4", room, 0, forged=True)
        labels[f"real{room}.mp4"] = {"label": "REAL"}
        labels[f"fake{room}.mp4"] = {"label": "FAKE", "original": f"real{room}.mp4"}
    (videos / "metadata.json").write_text(json.dumps(labels))
    write_tables(videos, tmp_path / "data")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path


def test_a_sound_data_set_is_a_table_and_no_error(folder: Path) -> None:
    ended = program(folder, "dataset", "audit", PATH="", HOME=str(folder))
    assert ended.returncode == 0, ended.stderr
    assert max(map(len, ended.stdout.splitlines())) <= 100
    assert "6 groups of 12 videos, none in two parts" in ended.stdout
    assert ended.stderr == ""


def test_a_leak_is_one_line_that_names_the_videos_and_a_page(folder: Path) -> None:
    split = pd.read_csv(folder / "data" / "split.csv")
    fake = split["video"] == "fake0.mp4"
    part = "test" if (split.loc[fake, "part"] == "train").all() else "train"
    split.loc[fake, "part"] = part
    split.to_csv(folder / "data" / "split.csv", index=False)
    ended = dfd(folder, "dataset", "audit", "--page", "audit.html")
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("dfd: split: leaks: The group fake0.mp4 lies in more than one part")
    assert "real0.mp4" in line
    assert f"fake0.mp4 ({part})" in (folder / "audit.html").read_text()


def test_the_leaks_of_a_data_set_s_own_split_are_shown_and_no_error(folder: Path) -> None:
    split = pd.read_csv(folder / "data" / "split.csv")
    fake = split["video"] == "fake0.mp4"
    split.loc[fake, "part"] = "test" if (split.loc[fake, "part"] == "train").all() else "train"
    split.to_csv(folder / "data" / "split.csv", index=False)
    params = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(params.replace("protocol: group", "protocol: official"))
    ended = dfd(folder, "dataset", "audit")
    assert ended.returncode == 0, ended.stderr
    assert "warning: The group fake0.mp4 lies in more than one part" in ended.stdout


def test_what_is_not_there_is_one_line(folder: Path) -> None:
    ended = dfd(folder, "dataset", "audit", "--page", "data/split.csv/audit.html")
    assert ended.returncode == 2
    assert "cannot be written" in ended.stderr.splitlines()[-1]
    (folder / "data" / "split.csv").unlink()
    ended = dfd(folder, "dataset", "audit")
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "run `dvc repro split`" in line


def test_the_stage_fails_on_a_leak_and_leaves_what_it_found(folder: Path, project: Project) -> None:
    shutil.copytree(folder / "data", project.folder / "data")
    for room in range(ROOMS):  # so that whatever the split, one copy lies apart
        name = project.folder / "data" / "videos" / f"copy{room}.mp4"
        write_clip(name, room, 0, crf=35, forged=room % 2 == 1)
    labels = json.loads((project.folder / "data" / "videos" / "metadata.json").read_text())
    for room in range(ROOMS):
        labels[f"copy{room}.mp4"] = {"label": "FAKE" if room % 2 else "REAL"}
    (project.folder / "data" / "videos" / "metadata.json").write_text(json.dumps(labels))
    write_tables(project.folder / "data" / "videos", project.folder / "data")
    ended = project.command("run", "split")
    assert ended.returncode == 2, ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("dfd: ")]
    assert "show one recording, in more than one part: copy" in line
    found = json.loads((project.folder / "metrics" / "split.json").read_text())["audit"]
    assert found["leaks"] >= 1
    assert found["findings"][0]["kind"] == "copies_cross"
    for video in found["findings"][0]["videos"]:
        assert video in (project.folder / "metrics" / "split.html").read_text()
