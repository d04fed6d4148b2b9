"""``dfd extract`` on sound, odd and hostile files."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import pandas as pd
import psutil
import pytest
import yaml

from dfd.faces.reader import read_crops, read_crops_table, read_manifest
from tests.clip_fixtures import frames_of
from tests.commands import PROGRAM, dfd
from tests.data import GRID, ROOT, SAMPLE, huge_video
from tests.fuzz import mutants
from tests.structures import containers, malformed

CLIPS = sorted(SAMPLE.glob("*.mp4"))


def extract(*paths: Path, out: Path, params: Path = ROOT / "params.yaml") -> tuple[int, str]:
    """Run the command and return its exit code and what it wrote to standard error."""
    ended = dfd(ROOT, "extract", *paths, "--out", out, "--params", params)
    return ended.returncode, ended.stderr


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_files_and_folders_anywhere(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    shutil.copy(CLIPS[0], tmp_path / "in" / "deep" / "one.mp4")
    shutil.copy(CLIPS[1], tmp_path / "two.dat")
    assert extract(tmp_path / "in", tmp_path / "two.dat", out=tmp_path / "out")[0] == 0
    manifest, crops = read_manifest(tmp_path / "out"), read_crops_table(tmp_path / "out")
    assert list(manifest["video"]) == ["in/deep/one.mp4", "two.dat"]
    assert (manifest["kept"] == 6).all()
    assert read_crops(tmp_path / "out", crops).shape == (12, 128, 128, 3)


def test_pictures_and_folders_of_frames_are_videos_too(tmp_path: Path) -> None:
    frames = tmp_path / "in" / "frames"
    frames.mkdir(parents=True)
    for frame in frames_of(CLIPS[0], range(8)):
        cv2.imwrite(str(frames / f"{frame.index:03}.png"), frame.image())
    shutil.copy(frames / "005.png", tmp_path / "in" / "photo.png")
    code, stderr = extract(tmp_path / "in", out=tmp_path / "out")
    assert code == 0, stderr
    manifest = read_manifest(tmp_path / "out").set_index("video")
    assert manifest["kept"].to_dict() == {"frames": 6, "photo.png": 1}


def test_more_videos_later_change_only_what_they_must(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for clip in CLIPS[:3]:
        shutil.copy(clip, tmp_path / "in")
    extract(tmp_path / "in", out=tmp_path / "out")
    before = content(tmp_path / "out")
    shutil.copy(CLIPS[3], tmp_path / "in")
    extract(tmp_path / "in", out=tmp_path / "out")
    after = content(tmp_path / "out")
    tars = [name for name in before if name.endswith(".tar")]
    assert sum(before[name] != after[name] for name in tars) == 1
    (tmp_path / "in" / CLIPS[3].name).unlink()
    extract(tmp_path / "in", out=tmp_path / "out")
    assert content(tmp_path / "out") == before


def test_odd_files_are_rows_and_the_rest_completes(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "folder.mp4").mkdir(parents=True)
    sound = CLIPS[0].read_bytes()
    odd = [b'it\'s "1".mp4', b"new\nline.mp4", b"\xff\xfe.mp4"]
    for name in odd:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(sound)
    (folder / "empty.mp4").touch()
    (folder / "short.mp4").write_bytes(sound[: len(sound) // 3])
    (folder / "noise.mkv").write_bytes(os.urandom(10_000))
    (folder / "gone.mp4").symlink_to("nowhere")
    code, _ = extract(folder, out=tmp_path / "out")
    rows = read_manifest(tmp_path / "out").set_index("video")
    assert code == 0
    assert set(rows.index[rows["crops"] > 0]) == {
        'it\'s "1".mp4',
        "new\nline.mp4",
        "\\xff\\xfe.mp4",
    }
    lost = rows[rows["crops"] == 0]
    assert set(lost.index) == {"empty.mp4", "short.mp4", "noise.mkv", "gone.mp4"}
    assert (lost["reason"] == "unreadable").all()
    assert lost["detail"].str.len().gt(0).all()


@pytest.mark.parametrize(
    ("path", "line"),
    [("gone.mp4", "is neither a file nor a folder"), ("nothing", "no video in it")],
)
def test_what_is_not_there_is_one_line(tmp_path: Path, path: str, line: str) -> None:
    (tmp_path / "nothing").mkdir()
    code, errors = extract(tmp_path / path, out=tmp_path / "out")
    assert code == 2
    assert line in errors
    assert errors.startswith("dfd: ")
    assert len(errors.splitlines()) == 1


def test_names_that_would_be_one_are_told_apart_by_the_user(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in (b"n\xff.mp4", rb"n\xff.mp4"):
        path = Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/" + name))
        path.write_bytes(CLIPS[0].read_bytes())
    code, errors = extract(tmp_path / "in", out=tmp_path / "out")
    assert code == 2
    assert "two files would both be called" in errors


def test_an_output_that_others_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "crops.parquet").write_text("mine")
    code, errors = extract(CLIPS[0], out=tmp_path / "out")
    assert code == 2
    assert "holds crops.parquet, which this command did not write" in errors
    assert (tmp_path / "out" / "crops.parquet").read_text() == "mine"


def test_an_output_whose_name_is_no_text_is_one_line(tmp_path: Path) -> None:
    out = Path(os.fsdecode(os.fsencode(tmp_path) + b"/out\xff"))
    code, errors = extract(CLIPS[0], out=out)
    assert code == 2
    assert f"{tmp_path}/out\\xff: its name is no UTF-8; choose another folder" in errors


def test_an_output_that_cannot_be_written_is_one_line_and_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, errors = extract(CLIPS[0], out=tmp_path / "file")
    assert code == 2
    assert errors.splitlines()[-1].startswith(f"dfd: {tmp_path}/file")
    assert "cannot be written" in errors
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_full_disk_is_one_line_and_the_next_run_goes_on(tmp_path: Path) -> None:
    script = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))\n"  # less than a result takes
        "sys.argv = ['dfd', *sys.argv[1:]]\n"
        "from flows.commands.__main__ import main\n"
        "if __name__ == '__main__': main()\n"
    )
    (tmp_path / "full.py").write_text(script)
    command = [sys.executable, str(tmp_path / "full.py"), "extract", str(CLIPS[0])]
    ended = subprocess.run(
        [*command, "--out", str(tmp_path / "out"), "--params", str(ROOT / "params.yaml")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "cannot be written (File too large)" in ended.stderr.splitlines()[-1]
    assert extract(CLIPS[0], out=tmp_path / "out")[0] == 0
    assert read_manifest(tmp_path / "out")["kept"].tolist() == [6]


class Watch(threading.Thread):
    """Remembers the most resident memory of any descendant of a process."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process, self.most, self.done = psutil.Process(process), 0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.05):
            try:
                family = [self.process, *self.process.children(recursive=True)]
                self.most = max([self.most, *(one.memory_info().rss for one in family)])
            except psutil.Error:
                continue


def test_a_video_that_needs_too_much_memory_is_a_row_and_not_remembered(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    huge = tmp_path / "in" / "huge.mkv"
    huge.parent.mkdir()
    shutil.copy(CLIPS[0], huge.parent)
    shutil.copy(huge_video(tmp_path_factory), huge)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["workers"] |= {"memory_limit_mb": 512}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    out = tmp_path / "out"
    assert extract(huge.parent, out=out, params=tmp_path / "params.yaml")[0] == 0
    rows = read_manifest(out).set_index("video")
    assert rows.loc["huge.mkv", "reason"] == "memory_limit"
    assert "512 MB" in rows.loc["huge.mkv", "detail"]
    assert rows.loc[CLIPS[0].name, "kept"] == 6
    assert extract(huge.parent, out=out)[0] == 0
    assert read_manifest(out).set_index("video").loc["huge.mkv", "reason"] == "no_face"


FRAMES = 4  # of each video


def extract_within_limits(folder: Path, tmp_path: Path) -> pd.DataFrame:
    """Extract a folder, with no crash and no process above its limits; return the manifest."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["workers"] |= {"time_limit_s": 30, "memory_limit_mb": 1024}
    params["faces"] |= {"frames_per_video": FRAMES}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    options = ["--out", str(tmp_path / "out"), "--params", str(tmp_path / "params.yaml")]
    command = [*PROGRAM, "extract", str(folder), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        watch = Watch(process.pid)
        watch.start()
        code = process.wait()
        watch.done.set()
    assert code == 0
    assert 0 < watch.most < 1024 * 2**20
    manifest = read_manifest(tmp_path / "out")
    assert len(manifest) == len(list(folder.iterdir()))
    assert (manifest["reason"].isna() == (manifest["crops"] > 0)).all()
    # An edit list of a few bytes can repeat a clip for hours, and so reach the time limit.
    expected = {"unreadable", "no_face", "face_too_small", "memory_limit", "time_limit"}
    assert set(manifest["reason"].dropna()) <= expected
    assert (manifest["reason"] == "time_limit").mean() < 0.01
    return manifest


@pytest.mark.parametrize(
    ("count", "seed"), [(100, 20), pytest.param(500, None, marks=pytest.mark.slow)]
)
def test_damaged_videos(tmp_path: Path, count: int, seed: int | None) -> None:
    """No crash, no hang, no process over its limit, and a row for each."""
    (tmp_path / "in").mkdir()
    clips = [*CLIPS, *sorted(GRID.glob("*.mp4"))]
    for number, clip in enumerate(mutants(clips, count, seed)):
        (tmp_path / "in" / f"{number:03d}.mp4").write_bytes(clip)
    damaged = extract_within_limits(tmp_path / "in", tmp_path)["kept"] < FRAMES
    assert 0.2 < damaged.mean() < 0.9, "the damage is real, yet not every clip is lost to it"


@pytest.mark.parametrize(
    ("count", "seed"), [(100, 21), pytest.param(2000, None, marks=pytest.mark.slow)]
)
def test_malformed_containers(tmp_path: Path, count: int, seed: int | None) -> None:
    """The same of boxes, elements, chunks and transport packets that contradict each other."""
    (tmp_path / "in").mkdir()
    (tmp_path / "sound").mkdir()
    clips = containers(CLIPS[0], tmp_path / "sound")
    for number, (suffix, clip) in enumerate(malformed(clips, count, seed)):
        (tmp_path / "in" / f"{number:04d}{suffix}").write_bytes(clip)
    damaged = extract_within_limits(tmp_path / "in", tmp_path)["kept"] < FRAMES
    assert 0.2 < damaged.mean() < 0.9, "the damage is real, yet not every clip is lost to it"
