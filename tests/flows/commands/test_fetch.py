import json
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.data import ROOT


def dfd(folder: Path, path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.commands", *arguments],
        cwd=folder,
        env={"PATH": str(path), "PYTHONPATH": str(ROOT), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_fetch_brings_a_folder_and_says_what_to_do_with_it(tmp_path: Path) -> None:
    name = "deepfake-detection-challenge.zip"
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr(
            "train_sample_videos/metadata.json", json.dumps({"a.mp4": {"label": "REAL"}})
        )
        archive.writestr("train_sample_videos/a.mp4", "a")
    client = tmp_path / "bin" / "kaggle"
    client.parent.mkdir()
    copies = f"shutil.copy({name!r}, sys.argv[-1] + '/' + {name!r})"
    client.write_text(f"#!{sys.executable}\nimport shutil, sys\n{copies}\n")
    client.chmod(0o755)
    ended = dfd(tmp_path, client.parent, "dataset", "fetch", "dfdc-sample", "--to", "dfdc")
    assert ended.returncode == 0, ended.stderr
    assert "1 labelled videos; next: dfd use dfdc/train_sample_videos" in ended.stdout
    assert (tmp_path / "dfdc" / "train_sample_videos" / "a.mp4").is_file()


def test_fetch_without_the_client_is_one_line(tmp_path: Path) -> None:
    ended = dfd(tmp_path, tmp_path, "dataset", "fetch", "dfdc-sample")
    assert ended.returncode == 2
    assert ended.stderr.startswith("dfd: kaggle: ")
    assert len(ended.stderr.splitlines()) == 1
