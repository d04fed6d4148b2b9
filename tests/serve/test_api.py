"""The server as a program uses it."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from dfd.colours import TEXT_COLOURS
from dfd.scan.record import VerdictRecord
from dfd.scan.worker import NamedDetector, scan_file
from tests.fuzz import mutants
from tests.serve.servers import CLIP, Server
from tests.video.clips import Coding, write
from tests.video.hostile import grown

pytestmark = pytest.mark.skipif(CLIP is None, reason="the sample is not here")


def test_the_answer_is_the_record_of_a_scan(server: Server, always_fake: Path) -> None:
    answer = server.post(CLIP.read_bytes(), **{"x-file-name": "f%C3%A9.mp4"})
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


def test_what_is_no_video_or_has_no_face_gets_no_verdict(server: Server, tmp_path: Path) -> None:
    plain = write(tmp_path / "plain.mp4", [np.full((96, 128, 3), 90, np.uint8)] * 8, Coding())
    for content, reason in ((b"text", "unreadable"), (plain.read_bytes(), "no_face")):
        answer = server.post(content)
        assert answer.status_code == 200
        assert answer.json()["verdict"] == "INCONCLUSIVE"
        assert [reason["code"] for reason in answer.json()["reasons"]] == [reason]


def test_beyond_a_limit_the_answer_says_which(server: Server, tmp_path: Path) -> None:
    long = write(tmp_path / "long.mp4", [np.zeros((48, 64, 3), np.uint8)] * 30, Coding(rate=1))
    for answer, status, detail in (
        (server.post(bytes(9 * 2**20)), 413, "8 MB"),
        (server.post(b""), 422, "empty"),
        (server.post(b"{}", **{"content-type": "application/json"}), 415, "send a video"),
        (server.post(b"x", **{"content-type": "multipart/form-data"}), 422, "boundary"),
        (
            server.post(b"x", **{"content-type": "multipart/form-data; boundary=b"}),
            422,
            "multipart",
        ),
        (server.post(long.read_bytes()), 422, "30 seconds long"),
    ):
        assert answer.status_code == status, answer.text
        assert detail in answer.json()["detail"]
    assert server.uploads() == []


def test_a_stream_that_grows_beyond_the_largest_frame_is_refused(
    server: Server, tmp_path: Path
) -> None:
    answer = server.post(grown(tmp_path / "clip.ts", 8192).read_bytes())
    assert answer.status_code == 422, answer.text
    assert "67,108,864 pixels a frame; this server takes 35,389,440" in answer.json()["detail"]


def test_a_size_that_is_not_told_beforehand_is_counted(server: Server) -> None:
    chunks = (bytes(2**20) for _ in range(9))
    try:
        answer = httpx.post(f"{server.url}/api/scan", content=chunks, timeout=60)
        assert answer.status_code == 413
    except httpx.WriteError:
        pass  # answered and closed before all was sent
    assert server.uploads() == []


@pytest.mark.parametrize(
    ("count", "seed"), [(24, 5), pytest.param(300, None, marks=pytest.mark.slow)]
)
def test_damaged_videos_are_no_error_of_the_server(
    server: Server, count: int, seed: int | None
) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(server.post, mutants([CLIP], count, seed)))
    assert {answer.status_code for answer in answers} <= {200, 422}
    assert all("verdict" in answer.json() for answer in answers if answer.status_code == 200)
    assert server.process.poll() is None
    assert server.uploads() == []


def test_a_client_that_goes_away_leaves_nothing(server: Server) -> None:
    with server.begun_upload():
        server.wait_for_uploads(1)
    server.wait_for_uploads(0)


def test_a_very_long_name_is_cut(server: Server) -> None:
    record = server.post(b"text", **{"x-file-name": "%C3%A9" * 4000}).json()
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


def test_pages_take_their_style_from_the_server_alone(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers={"Accept": "text/html"}) as client:
        page, style = client.get("/"), client.get("/static/style.css")
    assert "<style" not in page.text
    assert "style-src 'self'" in page.headers["content-security-policy"]
    assert '<link rel="stylesheet" href="/static/style.css">' in page.text
    assert style.headers["content-type"].startswith("text/css")
    assert TEXT_COLOURS["FAKE"] in style.text
