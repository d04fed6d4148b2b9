from pathlib import Path

import cv2
import pytest

from tests.commands import dfd
from tests.data import ROOT, SAMPLE

CLIPS = sorted(SAMPLE.glob("*.mp4"))[:2]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    assert dfd(ROOT, "extract", *CLIPS, "--out", out).returncode == 0
    return out


def test_sheet_draws_every_video(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"\0" * 100)
    ended = dfd(
        ROOT, "faces", "sheet", *CLIPS, tmp_path / "broken.mp4", "--out", tmp_path / "s.png"
    )
    assert ended.returncode == 0, ended.stderr
    both, one = cv2.imread(str(tmp_path / "s.png")), tmp_path / "one.png"
    assert dfd(ROOT, "faces", "sheet", CLIPS[0], "--out", one).returncode == 0
    assert both.shape[0] > 2 * cv2.imread(str(one)).shape[0]


@pytest.mark.parametrize(
    ("video", "out", "told"),
    [
        ("gone.mp4", "s.png", "gone.mp4: is not a file"),
        (CLIPS[0], "s.txt", "s.txt: cannot be written"),
        (CLIPS[0], "file/s.png", "file/s.png: cannot be written"),
    ],
)
def test_sheet_that_cannot_be_drawn_is_one_line(
    tmp_path: Path, video: object, out: str, told: str
) -> None:
    (tmp_path / "file").touch()
    ended = dfd(ROOT, "faces", "sheet", video, "--out", tmp_path / out)
    assert ended.returncode == 2
    assert told in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_sheet_draws_what_is_no_file_and_spares_its_videos(tmp_path: Path) -> None:
    (tmp_path / "gone.mp4").symlink_to("nowhere")
    ended = dfd(ROOT, "faces", "sheet", tmp_path / "gone.mp4", "--out", tmp_path / "s.png")
    assert ended.returncode == 0, ended.stderr
    video = tmp_path / "v.png"
    video.write_bytes(CLIPS[0].read_bytes())
    ended = dfd(ROOT, "faces", "sheet", video, "--out", video)
    assert ended.returncode == 2
    assert "v.png: is one of the videos" in ended.stderr
    assert video.read_bytes() == CLIPS[0].read_bytes()


def test_check_names_what_is_no_extraction(tmp_path: Path) -> None:
    ended = dfd(ROOT, "faces", "check", tmp_path / "gone")
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"dfd: {tmp_path}/gone: is no folder")


def test_check_tells_right_from_wrong(faces: Path) -> None:
    for option in ([], ["--deep"]):
        ended = dfd(ROOT, "faces", "check", faces, *option)
        assert ended.returncode == 0
        assert "2 videos, 12 crops: all right" in ended.stdout
    shard = max(faces.glob("*.tar"), key=lambda path: path.stat().st_size)
    content = bytearray(shard.read_bytes())
    content[2000] ^= 1
    shard.write_bytes(content)
    assert dfd(ROOT, "faces", "check", faces).returncode == 0
    ended = dfd(ROOT, "faces", "check", faces, "--deep")
    assert ended.returncode == 2
    assert "is not what was written" in ended.stdout
    assert ended.stderr.splitlines()[-1].endswith("1 problem; run `dfd extract` again")
    shard.unlink()
    assert "is missing" in dfd(ROOT, "faces", "check", faces).stdout
