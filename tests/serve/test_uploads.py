"""Uploads: what is kept of them, and for how long."""

import asyncio
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


def test_an_upload_that_trickles_loses_its_place(tmp_path: Path) -> None:
    """Each byte comes in time, but all of them would take for ever."""

    async def trickling() -> dict[str, object]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    request = Request({"type": "http", "headers": []}, trickling)
    limits = ServerLimits(stall_s=0.1, bytes_per_s=1000, upload_mb=1)
    with pytest.raises(Refused) as caught:
        asyncio.run(asyncio.wait_for(receive(request, tmp_path / "upload", limits), 30))
    assert caught.value.status == 408
    assert list(tmp_path.iterdir()) == []
