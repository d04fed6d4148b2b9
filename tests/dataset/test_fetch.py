import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dfd.dataset.fetch import COMPETITION, TRAIN, fetch_dfdc_sample
from dfd.errors import DatasetError
from dfd.files import UNFINISHED

Client = Callable[[str], None]
CLIPS = {"a.mp4": {"label": "REAL"}, "b.mp4": {"label": "FAKE", "original": "a.mp4"}}
BRINGS = """
assert sys.argv[1:4] == ["competitions", "download", "deepfake-detection-challenge"], sys.argv
folder = pathlib.Path(sys.argv[sys.argv.index("-p") + 1])
shutil.copy({archive!r}, folder / "deepfake-detection-challenge.zip")
"""


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Return what puts a program of these lines on the PATH, as Kaggle's client."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))

    def install(lines: str) -> None:
        program = programs / "kaggle"
        program.write_text(f"#!{sys.executable}\nimport pathlib, shutil, sys\n{lines}\n")
        program.chmod(0o755)

    return install


def pack(path: Path, clips: dict[str, dict[str, str]] = CLIPS, **more: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{TRAIN}/metadata.json", json.dumps(clips))
        for name in ("a.mp4", "b.mp4"):
            archive.writestr(f"{TRAIN}/{name}", name)
        archive.writestr("test_videos/t.mp4", "t")
        for name, content in more.items():
            archive.writestr(name, content)
    return path


def test_the_sample_comes_whole(tmp_path: Path, client: Client) -> None:
    client(BRINGS.format(archive=str(pack(tmp_path / "x.zip"))))
    videos = fetch_dfdc_sample(tmp_path / "out" / "sample")
    assert [(video.video, video.label) for video in videos] == [
        ("a.mp4", "REAL"),
        ("b.mp4", "FAKE"),
    ]
    assert all(video.path.is_file() for video in videos)
    assert (tmp_path / "out" / "sample" / "test_videos" / "t.mp4").read_text() == "t"
    assert os.listdir(tmp_path / "out") == ["sample"]  # nothing is left beside it


def test_a_folder_in_use_is_never_touched(tmp_path: Path, client: Client) -> None:
    client("raise SystemExit('not to be called')")
    (tmp_path / "mine").touch()
    with pytest.raises(DatasetError, match=r"is there already; .*--to"):
        fetch_dfdc_sample(tmp_path)
    with pytest.raises(DatasetError, match="mine"):
        fetch_dfdc_sample(tmp_path / "mine")


def test_without_the_client_it_says_how_to_install_it(tmp_path: Path, client: Client) -> None:
    with pytest.raises(DatasetError, match=r"pip install 'dfd\[kaggle\]'"):
        fetch_dfdc_sample(tmp_path / "sample")


# What versions 1 and 2 of the client print.
SAID = [
    ("Authentication required to call the Kaggle API.", "no valid credentials; .*kaggle.json"),
    ("OSError: Could not find kaggle.json. Make sure it's located in ~/.kaggle", "KAGGLE_USERNAME"),
    ("401 - Unauthorized", "KAGGLE_API_TOKEN"),
    ("403 - Forbidden - You must accept this competition's rules", f"{COMPETITION}/rules"),
    ("403 Client Error: Forbidden for url: https://api.kaggle.com", "accept the competition's rul"),
    ("Max retries exceeded (Caused by NameResolutionError(...))", "cannot be reached"),
    ("  9%|9 | 403M/4.40G [00:01<00:09, 401MB/s]\n500 Server Error", r"\(500 Server Error\)"),
    ("", "it says nothing"),
]


@pytest.mark.parametrize(("said", "meant"), SAID)
def test_what_the_client_says_becomes_one_line(
    tmp_path: Path, client: Client, said: str, meant: str
) -> None:
    client(f"print({said!r}, file=sys.stderr)\nraise SystemExit(1)")
    with pytest.raises(DatasetError, match=meant) as caught:
        fetch_dfdc_sample(tmp_path / "sample")
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["bin"]


def test_a_broken_off_download_is_kept_for_the_client_to_go_on(
    tmp_path: Path, client: Client
) -> None:
    client(BRINGS.format(archive=str(pack(tmp_path / "x.zip"))) + "raise SystemExit(1)")
    with pytest.raises(DatasetError):
        fetch_dfdc_sample(tmp_path / "sample")
    assert (tmp_path / f"{UNFINISHED}sample" / f"{COMPETITION}.zip").is_file()


@pytest.mark.parametrize("name", ["../evil.mp4", "/evil.mp4", "a/../../evil.mp4", "..\\evil.mp4"])
def test_nothing_is_unpacked_outside_of_the_folder(
    tmp_path: Path, client: Client, name: str
) -> None:
    client(BRINGS.format(archive=str(pack(tmp_path / "x.zip", **{name: "evil"}))))
    with pytest.raises(DatasetError, match="would lie outside"):
        fetch_dfdc_sample(tmp_path / "out" / "sample")
    assert not list(tmp_path.rglob("*evil*"))
    assert not (tmp_path / "out" / "sample").exists()


def test_a_link_in_the_archive_is_refused(tmp_path: Path, client: Client) -> None:
    archive = pack(tmp_path / "x.zip")
    with zipfile.ZipFile(archive, "a") as packed:
        link = zipfile.ZipInfo(f"{TRAIN}/link.mp4")
        link.external_attr = 0o120777 << 16
        packed.writestr(link, "/etc/passwd")
    client(BRINGS.format(archive=str(archive)))
    with pytest.raises(DatasetError, match=r"link\.mp4"):
        fetch_dfdc_sample(tmp_path / "sample")


def test_a_damaged_archive_is_taken_away(tmp_path: Path, client: Client) -> None:
    archive = pack(tmp_path / "x.zip")
    archive.write_bytes(archive.read_bytes()[:-30])
    client(BRINGS.format(archive=str(archive)))
    with pytest.raises(DatasetError, match=r"is damaged .*run again"):
        fetch_dfdc_sample(tmp_path / "sample")
    assert not list(tmp_path.glob(f"{UNFINISHED}*/*.zip"))


def test_an_archive_without_its_labels_or_clips_is_refused(tmp_path: Path, client: Client) -> None:
    clips = CLIPS | {"c.mp4": {"label": "REAL"}}
    client(BRINGS.format(archive=str(pack(tmp_path / "x.zip", clips))))
    with pytest.raises(DatasetError, match=r"'c\.mp4'"):
        fetch_dfdc_sample(tmp_path / "sample")
    client("pass")
    with pytest.raises(DatasetError, match="did not bring it"):
        fetch_dfdc_sample(tmp_path / "other")
    assert not (tmp_path / "sample").exists()
