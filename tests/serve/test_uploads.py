"""Uploads: what is kept of them, and for how long."""

import asyncio
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from starlette.requests import Request

from dfd.serve.limits import Refused, ServerLimits
from dfd.serve.uploads import receive, upload_folder
from tests.data import ROOT

KILLED = """
import os, signal
from dfd.serve.uploads import upload_folder
with upload_folder() as folder:
    (folder / "upload").write_text("somebody's video")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_server_left_is_removed_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", KILLED], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    (stale,) = tmp_path.glob("dfd-serve-*")
    assert list(stale.iterdir())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with upload_folder() as running, upload_folder() as other:
        assert not stale.exists()
        assert running.is_dir(), "a folder in use is left alone"
        assert other.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []


def test_a_client_that_falls_silent_loses_its_place(tmp_path: Path) -> None:
    """The server itself waits for 20 seconds."""
    messages = [{"type": "http.request", "body": bytes(50_000), "more_body": True}]

    async def arriving() -> dict[str, object]:
        return messages.pop() if messages else await asyncio.Future()

    request = Request({"type": "http", "headers": []}, arriving)
    with pytest.raises(Refused, match="too little arrived") as caught:
        asyncio.run(receive(request, tmp_path / "upload", ServerLimits(stall_s=0.05)))
    assert caught.value.status == 408
    assert messages == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("first", [[], [bytes(500_000)]], ids=["from the start", "after a burst"])
def test_an_upload_that_trickles_loses_its_place(tmp_path: Path, first: list[bytes]) -> None:
    """Each byte comes in time, but all of them would take for ever."""
    pieces = iter([*first, *([b"x"] * 10**6)])

    async def trickling() -> dict[str, object]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": next(pieces), "more_body": True}

    request = Request({"type": "http", "headers": []}, trickling)
    limits = ServerLimits(stall_s=0.1, bytes_per_s=1000, upload_mb=1)
    with pytest.raises(Refused) as caught:
        asyncio.run(asyncio.wait_for(receive(request, tmp_path / "upload", limits), 30))
    assert caught.value.status == 408
    assert list(tmp_path.iterdir()) == []


def sent(body: bytes, **headers: str) -> Request:
    """Return a request with a body."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]

    async def arriving() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "headers": raw}, arriving)


def test_a_file_for_which_there_is_no_space_is_refused_before_it_comes(tmp_path: Path) -> None:
    disk = shutil.disk_usage(tmp_path)
    limits = ServerLimits(upload_mb=2 * disk.total // 2**20)
    request = sent(b"", content_length=str(disk.total))
    with pytest.raises(Refused, match="no space") as caught:
        asyncio.run(receive(request, tmp_path / "upload", limits))
    assert caught.value.status == 507
    assert list(tmp_path.iterdir()) == []


def test_an_upload_whose_size_is_not_told_leaves_the_disk_its_space(tmp_path: Path) -> None:
    limits = ServerLimits(spare_mb=shutil.disk_usage(tmp_path).total // 2**20)
    with pytest.raises(Refused, match="no space") as caught:
        asyncio.run(receive(sent(bytes(1000)), tmp_path / "upload", limits))
    assert caught.value.status == 507
    assert list(tmp_path.iterdir()) == []


def test_an_upload_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(Refused, match="File too large") as caught:
            asyncio.run(receive(sent(bytes(200_000)), tmp_path / "upload", ServerLimits()))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.status == 507
    assert list(tmp_path.iterdir()) == []


def test_names_that_others_leave_in_the_temporary_folder_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mine = tmp_path / "mine"
    (mine / "kept").mkdir(parents=True)
    names = ("²-x", "99999999999999999999-x", "-1-x", "0-x", "4194304", "x\n1")
    for name in names:
        (tmp_path / f"dfd-serve-{name}").mkdir()
    (tmp_path / "dfd-serve-4194304-link").symlink_to(mine)
    (tmp_path / "dfd-serve-4194305-gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "dfd-serve-4194306-file").touch()
    before = sorted(tmp_path.iterdir())
    with upload_folder() as folder:
        assert folder.is_dir()
    assert sorted(tmp_path.iterdir()) == before
    assert (mine / "kept").is_dir()
