import json
import sys
import zipfile
from pathlib import Path

from tests.commands import dfd


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
    command = ("dataset", "fetch", "dfdc-sample", "--to", "dfdc")
    ended = dfd(tmp_path, *command, PATH=str(client.parent))
    assert ended.returncode == 0, ended.stderr
    assert "1 labelled videos; next: dfd use dfdc/train_sample_videos" in ended.stdout
    assert (tmp_path / "dfdc" / "train_sample_videos" / "a.mp4").is_file()


def test_fetch_without_the_client_is_one_line(tmp_path: Path) -> None:
    ended = dfd(tmp_path, "dataset", "fetch", "dfdc-sample", PATH=str(tmp_path))
    assert ended.returncode == 2
    assert ended.stderr.startswith("dfd: kaggle: ")
    assert len(ended.stderr.splitlines()) == 1
