"""The command ``dfd serve``: its options, its errors and its end."""

import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from tests.commands import dfd
from tests.serve.servers import BEARER, CLIP, PATIENCE_S, TOKEN, Server, serving

pytestmark = pytest.mark.skipif(CLIP is None, reason="the sample is not here")


def test_a_token_is_asked_for_everywhere(strict: Server) -> None:
    assert httpx.get(f"{strict.url}/openapi.json").status_code == 401
    assert strict.post(b"x").status_code == 401
    assert httpx.get(f"{strict.url}/openapi.json", headers=BEARER).status_code == 200
    with httpx.Client(base_url=strict.url, follow_redirects=True) as browser:
        page = browser.get("/", headers={"accept": "text/html"})
        assert "Token of this server" in page.text
        assert browser.post("/login", data={"token": "wrong"}).status_code == 401
        assert "Is this video real?" in browser.post("/login", data={"token": TOKEN}).text


def test_a_full_queue_is_answered_with_503_and_the_server_stays(strict: Server) -> None:
    clip = CLIP.read_bytes()
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: strict.post(clip, **BEARER), range(12)))
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(a.headers["retry-after"] for a in answers if a.status_code == 503)
    assert strict.post(clip, **BEARER).status_code == 200


def test_ctrl_c_ends_it_whatever_is_under_way(always_fake: Path, tmp_path: Path) -> None:
    with serving(always_fake, tmp_path) as server:
        assert server.post(CLIP.read_bytes()).status_code == 200
        with server.begun_upload() as silent:
            server.wait_for_uploads(1)
            workers = psutil.Process(server.process.pid).children(recursive=True)
            server.process.send_signal(signal.SIGINT)
            server.process.wait(PATIENCE_S)
            assert silent.recv(4096).startswith(b"HTTP/1.1 503")
        assert "Traceback" not in server.log()
    assert workers
    assert psutil.wait_procs(workers, timeout=PATIENCE_S)[1] == []
    assert list(tmp_path.glob("dfd-*")) == [], "its folder goes with it"


@pytest.mark.slow
def test_a_killed_server_leaves_nothing_for_long(always_fake: Path, tmp_path: Path) -> None:
    with serving(always_fake, tmp_path) as server, server.begun_upload():
        server.wait_for_uploads(1)
        server.process.kill()
        server.process.wait()
    (stale,) = tmp_path.glob("dfd-serve-*")
    with serving(always_fake, tmp_path):
        assert not stale.exists()


@pytest.mark.slow
def test_a_client_that_falls_silent_loses_its_place(server: Server) -> None:
    with server.begun_upload() as silent:
        assert silent.recv(4096).startswith(b"HTTP/1.1 408")
    assert server.uploads() == []


def test_a_damaged_detector_is_one_line_before_anything_is_served(
    always_fake: Path, tmp_path: Path
) -> None:
    shutil.copytree(always_fake, tmp_path / "broken")
    (tmp_path / "broken" / "model.onnx").write_bytes(b"damaged")
    for model, problem in (("broken", "broken/model.onnx: "), ("none", "there is no detector")):
        ended = dfd(tmp_path, "serve", "--model", model)
        assert (ended.returncode, ended.stdout) == (2, "")
        (line,) = ended.stderr.splitlines()
        assert line.startswith("dfd: ")
        assert problem in line


def test_a_port_in_use_is_one_line(server: Server, always_fake: Path, tmp_path: Path) -> None:
    port = server.url.rpartition(":")[2]
    ended = dfd(tmp_path, "serve", "--model", always_fake, "--port", port)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"dfd: 127.0.0.1, port {port}: Address already in use")


@pytest.mark.parametrize("token", ["", "s3cret", "sixteen letters ", "sechzehn-zeichen-ä"])
def test_a_token_that_can_be_guessed_is_one_line(
    token: str, always_fake: Path, tmp_path: Path
) -> None:
    ended = dfd(tmp_path, "serve", "--model", always_fake, "--token", token)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("dfd: --token or DFD_TOKEN: ")


def test_a_proxy_is_an_address(always_fake: Path, tmp_path: Path) -> None:
    ended = dfd(tmp_path, "serve", "--model", always_fake, "--proxy", "*")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "--proxy *: no IP address" in ended.stderr


def test_beyond_this_machine_a_token_is_required(always_fake: Path, tmp_path: Path) -> None:
    ended = dfd(tmp_path, "serve", "--model", always_fake, "--host", "0.0.0.0")
    assert ended.returncode == 2
    assert "--token" in ended.stderr
