"""The server as a program uses it."""

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from dfd.colours import TEXT_COLOURS
from dfd.scan.record import VerdictRecord
from dfd.scan.worker import NamedDetector, scan_file
from tests.fuzz import mutants
from tests.serve.conftest import CLIP, Server, serving
from tests.video.clips import Coding, write

pytestmark = pytest.mark.skipif(CLIP is None, reason="the sample is not here")
Post = Callable[..., httpx.Response]


def test_the_answer_is_the_record_of_a_scan(post: Post, always_fake: Path) -> None:
    answer = post(CLIP.read_bytes(), **{"x-file-name": "f%C3%A9.mp4"})
    assert answer.status_code == 200
    record = VerdictRecord.model_validate(answer.json())
    assert record.file.name == "fé.mp4"
    expected = scan_file(CLIP, NamedDetector(always_fake, "x")).record
    assert record.verdict == expected.verdict == "FAKE"
    assert record.probability == pytest.approx(expected.probability, abs=1e-9)
    assert record.file.sha256 == expected.file.sha256


def test_a_form_is_accepted_too(server: Server) -> None:
    files = {"note": (None, "hello"), "file": ("../../a b.mp4", CLIP.read_bytes(), "video/mp4")}
    answer = httpx.post(f"{server.url}/api/scan", files=files, timeout=120)
    assert answer.status_code == 200
    assert answer.json()["verdict"] == "FAKE"
    assert answer.json()["file"]["size"] == CLIP.stat().st_size


def test_what_is_no_video_or_has_no_face_gets_no_verdict(post: Post, tmp_path: Path) -> None:
    plain = write(tmp_path / "plain.mp4", [np.full((96, 128, 3), 90, np.uint8)] * 8, Coding())
    for content, reason in ((b"text", "unreadable"), (plain.read_bytes(), "no_face")):
        answer = post(content)
        assert answer.status_code == 200
        assert answer.json()["verdict"] == "INCONCLUSIVE"
        assert [reason["code"] for reason in answer.json()["reasons"]] == [reason]


def test_beyond_a_limit_the_answer_says_which(post: Post, server: Server, tmp_path: Path) -> None:
    long = write(tmp_path / "long.mp4", [np.zeros((48, 64, 3), np.uint8)] * 30, Coding(rate=1))
    for answer, status, detail in (
        (post(bytes(9 * 2**20)), 413, "8 MB"),
        (post(b""), 422, "empty"),
        (post(b"{}", **{"content-type": "application/json"}), 415, "send a video"),
        (post(b"x", **{"content-type": "multipart/form-data"}), 422, "boundary"),
        (post(b"x", **{"content-type": "multipart/form-data; boundary=b"}), 422, "multipart"),
        (post(long.read_bytes()), 422, "30 seconds long"),
    ):
        assert answer.status_code == status, answer.text
        assert detail in answer.json()["detail"]
    assert server.uploads() == []


def test_a_size_that_is_not_told_beforehand_is_counted(server: Server) -> None:
    chunks = (bytes(2**20) for _ in range(9))
    try:
        answer = httpx.post(f"{server.url}/api/scan", content=chunks, timeout=60)
        assert answer.status_code == 413
    except httpx.WriteError:
        pass  # answered and closed before all was sent
    assert server.uploads() == []


def test_damaged_videos_are_no_error_of_the_server(post: Post, server: Server) -> None:
    with ThreadPoolExecutor(4) as threads:
        damaged = [bytes(clip) for _, clip in zip(range(24), mutants([CLIP], 24, 5), strict=False)]
        answers = list(threads.map(post, damaged))
    assert {answer.status_code for answer in answers} <= {200, 422}
    assert all("verdict" in answer.json() for answer in answers if answer.status_code == 200)
    assert server.process.poll() is None
    assert server.uploads() == []


def begun_upload(server: Server) -> socket.socket:
    """Return a connection that has sent half of a file."""
    host, port = server.url.removeprefix("http://").split(":")
    half = socket.create_connection((host, int(port)), timeout=60)
    half.sendall(b"POST /api/scan HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
    half.sendall(bytes(50000))
    return half


def test_a_client_that_goes_away_leaves_nothing(server: Server) -> None:
    with begun_upload(server):
        time.sleep(0.5)
    for _ in range(40):
        if not server.uploads():
            break
        time.sleep(0.1)
    assert server.uploads() == []


def test_a_client_that_falls_silent_loses_its_place(server: Server) -> None:
    with begun_upload(server) as silent:
        assert silent.recv(4096).startswith(b"HTTP/1.1 408")
    assert server.uploads() == []


def test_ctrl_c_ends_it_whatever_is_under_way(always_fake: Path, tmp_path: Path) -> None:
    with serving(always_fake, tmp_path) as server:
        httpx.post(f"{server.url}/api/scan", content=CLIP.read_bytes(), timeout=120)
        with begun_upload(server) as silent:
            while not server.uploads():
                time.sleep(0.05)
            workers = psutil.Process(server.process.pid).children(recursive=True)
            server.process.send_signal(signal.SIGINT)
            server.process.wait(timeout=15)
            assert silent.recv(4096).startswith(b"HTTP/1.1 503")
        assert server.process.stderr
        assert "Traceback" not in server.process.stderr.read()
    assert workers
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    assert list(tmp_path.glob("dfd-*")) == []


def test_a_full_queue_is_answered_with_503_and_the_server_stays(
    always_fake: Path, tmp_path: Path
) -> None:
    with (
        serving(always_fake, tmp_path, "--scans", "1", "--queue", "1") as server,
        ThreadPoolExecutor(12) as threads,
    ):

        def send(_: int) -> httpx.Response:
            return httpx.post(f"{server.url}/api/scan", content=CLIP.read_bytes(), timeout=120)

        answers = list(threads.map(send, range(12)))
        statuses = {answer.status_code for answer in answers}
        assert statuses == {200, 503}
        assert all(a.headers["retry-after"] for a in answers if a.status_code == 503)
        assert send(0).status_code == 200
    assert list(tmp_path.glob("dfd-*")) == [], "its folder goes with it"


def test_a_killed_server_leaves_nothing_for_long(always_fake: Path, tmp_path: Path) -> None:
    with serving(always_fake, tmp_path) as server:
        server.process.kill()
        server.process.wait()
    (stale,) = tmp_path.glob("dfd-serve-*")
    (stale / "upload").write_text("somebody's video")
    with serving(always_fake, tmp_path) as server:
        assert not stale.exists()
        (fresh,) = tmp_path.glob("dfd-serve-*")
        assert fresh.stat().st_mode & 0o777 == 0o700


def test_a_damaged_detector_is_one_line_before_anything_is_served(
    always_fake: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(always_fake, broken)
    (broken / "model.onnx").write_bytes(b"damaged")
    command = [sys.executable, "-m", "flows.commands", "serve", "--model"]
    for model, problem in ((broken, "model.onnx"), (tmp_path / "none", "there is no detector")):
        ended = subprocess.run([*command, model], capture_output=True, text=True, check=False)
        assert ended.returncode == 2
        (line,) = ended.stderr.splitlines()
        assert line.startswith("dfd: ")
        assert problem in line


def test_a_port_in_use_is_one_line(server: Server, always_fake: Path) -> None:
    port = server.url.rpartition(":")[2]
    command = [
        sys.executable,
        "-m",
        "flows.commands",
        "serve",
        "--model",
        always_fake,
        "--port",
        port,
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"dfd: 127.0.0.1, port {port}: Address already in use")


def test_beyond_this_machine_a_token_is_required(always_fake: Path) -> None:
    command = [sys.executable, "-m", "flows.commands", "serve", "--model", always_fake]
    ended = subprocess.run(
        [*command, "--host", "0.0.0.0"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "--token" in ended.stderr


def test_a_very_long_name_is_cut(post: Post) -> None:
    record = post(b"text", **{"x-file-name": "%C3%A9" * 4000}).json()
    assert record["file"]["name"] == "é" * 200


def test_strangers_are_kept_out(server: Server) -> None:
    other = httpx.get(server.url, headers={"host": "evil.example"})
    assert other.status_code == 400
    forged = httpx.post(f"{server.url}/scans", headers={"origin": "http://evil.example"})
    assert forged.status_code == 403
    answer = httpx.get(server.url)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_a_scan_is_seen_by_its_own_session_alone(server: Server) -> None:
    with httpx.Client(base_url=server.url, timeout=60) as owner, httpx.Client() as other:
        owner.get("/")
        sent = owner.post(
            "/scans", content=CLIP.read_bytes(), headers={"x-file-name": "%3Cb%3Ex.mp4"}
        )
        assert sent.status_code == 202
        address = f"/scans/{sent.json()['id']}"
        while owner.get(address).json()["state"] != "done":
            time.sleep(0.2)
        page = owner.get("/", headers={"accept": "text/html"}).text
        assert "<b>" not in page
        assert "&lt;b&gt;x.mp4" in page
        assert owner.get(f"{address}/report").text.count("<h2>") == 5
        assert owner.get(f"{address}/record.json").json()["verdict"] == "FAKE"
        assert "x.mp4" not in other.get(server.url).text
        for part in ("", "/report", "/record.json"):
            assert other.get(f"{server.url}{address}{part}").status_code == 404


def test_a_token_is_asked_for_everywhere(always_fake: Path, tmp_path: Path) -> None:
    with serving(always_fake, tmp_path, "--token", "s3cret") as server:
        assert httpx.get(f"{server.url}/openapi.json").status_code == 401
        assert httpx.post(f"{server.url}/api/scan", content=b"x").status_code == 401
        bearer = {"authorization": "Bearer s3cret"}
        assert httpx.get(f"{server.url}/openapi.json", headers=bearer).status_code == 200
        with httpx.Client(base_url=server.url, follow_redirects=True) as browser:
            page = browser.get("/", headers={"accept": "text/html"})
            assert "Token of this server" in page.text
            assert browser.post("/login", data={"token": "wrong"}).status_code == 401
            assert "Is this video real?" in browser.post("/login", data={"token": "s3cret"}).text


def test_pages_take_their_style_from_the_server_alone(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers={"Accept": "text/html"}) as client:
        page, style = client.get("/"), client.get("/static/style.css")
    assert "<style" not in page.text
    assert "style-src 'self'" in page.headers["content-security-policy"]
    assert '<link rel="stylesheet" href="/static/style.css">' in page.text
    assert style.headers["content-type"].startswith("text/css")
    assert TEXT_COLOURS["FAKE"] in style.text
