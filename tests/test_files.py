import errno
import os
import stat
from pathlib import Path

import pytest

from dfd.files import place, refusal, replacing, sweep, write_json


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="disk on fire"):
        fail()
    assert path.read_text() == '{\n  "a": 1\n}\n'
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_what_is_written_honours_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_json(tmp_path / "a.json", {})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == mode


def test_an_error_of_a_write_names_the_file_that_was_to_be(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    with pytest.raises(OSError, match="split") as failed, replacing(path):
        raise OSError(errno.ENOSPC, "No space left on device")  # as a write of pandas does
    assert refusal(failed.value) == (
        f"{path}: cannot be written (No space left on device); make room or give rights, then run "
        "again"
    )
    assert refusal(OSError(errno.ENOSPC, "No space left on device")) is None, "nobody knows where"


def test_what_a_killed_process_has_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    for name in ("model.npz", ".unfinished-modern-1f.npz", ".other.12.partial"):
        (tmp_path / name).write_text("whole")
    (tmp_path / ".unfinished-model-1f.npz").write_text("half")
    sweep(tmp_path / "model.npz")
    assert (tmp_path / "model.npz").read_text() == "whole"
    assert not (tmp_path / ".unfinished-model-1f.npz").exists()
    (tmp_path / ".models.12.partial").mkdir()
    (tmp_path / ".models.12.replaced").mkdir()
    (tmp_path / ".models.12.replaced" / "card").write_text("whole")
    sweep(tmp_path / "models")
    assert (tmp_path / "models" / "card").read_text() == "whole", "killed between two renames"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(".other.12.partial", ".unfinished-modern-1f.npz", "model.npz", "models")
    ]


def test_json_refuses_what_is_not_a_number(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"auc": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_placing_makes_no_second_copy_and_leaves_the_source_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_reflink(*_: object) -> None:
        raise OSError(95, "Operation not supported")  # as ext4 says

    monkeypatch.setattr("fcntl.ioctl", no_reflink)
    source, target = tmp_path / "in" / "a.mp4", tmp_path / "out" / "part" / "a.mp4"
    source.parent.mkdir()
    source.write_bytes(b"video" * 1000)
    source.chmod(0o640)
    before = source.stat()
    place(source, target)
    after = source.stat()
    assert os.path.samefile(source, target)
    assert (after.st_mtime_ns, stat.S_IMODE(after.st_mode)) == (before.st_mtime_ns, 0o640)


def test_placing_follows_a_link_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"video")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "a.mp4")
    place(tmp_path / "link.mp4", tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").is_symlink()
    assert (tmp_path / "out.mp4").read_bytes() == b"video"
