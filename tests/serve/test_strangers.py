"""What a stranger can invent: host names, origins, sessions, addresses, tokens and forms."""

from contextlib import ExitStack

import httpx
import pytest
from starlette.requests import Request

from dfd.serve.clients import Sessions
from dfd.serve.guard import Guard
from dfd.serve.limits import Refused
from tests.serve.servers import BEARER, PROXY, RAW, TOKEN, Server

LINES = {
    "host": (b"GET / HTTP/1.1\r\nHost: [\r\n", b"400"),
    "a path as host": (b"GET / HTTP/1.1\r\nHost: localhost/login\r\n", b"400"),
    "no host": (b"GET / HTTP/1.0\r\n", b"400"),
    "origin": (b"POST /scans HTTP/1.1\r\nHost: localhost\r\nOrigin: http://[\r\n", b"403"),
    "cookie": (
        b"GET /scans/x HTTP/1.1\r\nHost: localhost\r\nCookie: dfd_session=\xff.\xff\r\n",
        b"404",
    ),
    "old cookie": (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: dfd_client=\xff; \xfe\r\n",
        b"200",
    ),
    "boundary": (
        b"POST /api/scan HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
        b"Content-Type: multipart/form-data; boundary=" + b"b" * 257 + b"\r\n",
        b"422",
    ),
}


@pytest.mark.parametrize(("lines", "status"), LINES.values(), ids=LINES)
def test_malformed_headers_are_no_error_of_the_server(
    lines: bytes, status: bytes, server: Server
) -> None:
    before = len(server.log())
    assert server.answer(lines + b"Connection: close\r\n\r\nx").split(None, 2)[1] == status
    assert server.log()[before:] == ""


@pytest.mark.parametrize("token", ["ä" * 20, "\xff" * 20, "x", "x" * 4000])
def test_any_text_as_a_token_is_answered(token: str, strict: Server) -> None:
    with strict.client_at("127.0.0.3") as client:
        sent = client.post("/login", data={"token": token}, headers={"accept": "text/html"})
        assert (sent.status_code, "That is not the token" in sent.text) == (401, True)
        authorization = f"Bearer {token}".encode("latin-1", "replace")
        assert client.get("/", headers={"authorization": authorization}).status_code == 401
    assert "Traceback" not in strict.log()


def test_the_path_is_not_taken_from_the_host() -> None:
    headers = [(b"host", b"x/login?")]
    scope = {"type": "http", "method": "GET", "path": "/openapi.json", "headers": headers}
    with pytest.raises(Refused) as caught:
        Guard("a token", [], Sessions()).check(Request(scope))
    assert caught.value.status in (400, 401)


@pytest.mark.parametrize("path", ["/loginx", "/login/", "/static/x", "//login", "/openapi.json"])
def test_only_the_login_and_its_style_are_open(path: str, strict: Server) -> None:
    assert httpx.get(f"{strict.url}{path}").status_code == 401
    for opened in ("/login", "/static/style.css", "/static/page.js"):
        assert httpx.get(f"{strict.url}{opened}").status_code == 200


def test_the_cookie_of_a_session_does_not_hold_the_token(strict: Server) -> None:
    with httpx.Client(base_url=strict.url) as browser:
        assert browser.post("/login", data={"token": TOKEN}).status_code == 303
        assert browser.get("/").status_code == 200
        (cookie,) = browser.cookies.jar
        assert TOKEN not in cookie.value
    session, _, signature = cookie.value.partition(".")
    for forged in (f"{session}x.{signature}", f"{session}.", f".{signature}", TOKEN):
        headers = {"cookie": f"{cookie.name}={forged}"}
        assert httpx.get(strict.url, headers=headers).status_code == 401


def test_guesses_are_slowed_for_each_address(strict: Server) -> None:
    def guess(client: httpx.Client, **headers: str) -> int:
        wrong = {"authorization": "Bearer wrong", **headers}
        return client.get("/openapi.json", headers=wrong).status_code

    with strict.client_at("127.0.0.4") as stranger:
        invented = [guess(stranger, **{"x-forwarded-for": f"10.0.0.{n}"}) for n in range(30)]
        assert invented[:10] == [401] * 10
        assert 429 in invented[10:]
        answer = stranger.post("/login", data={"token": "wrong"})
        assert answer.status_code in (401, 429)
    with strict.client_at(PROXY) as proxy:
        told = [guess(proxy, **{"x-forwarded-for": "203.0.113.5"}) for _ in range(30)]
        assert 429 in told
        assert guess(proxy, **{"x-forwarded-for": "203.0.113.6"}) == 401
    assert httpx.get(f"{strict.url}/openapi.json", headers=BEARER).status_code == 200


def test_neither_a_session_nor_an_address_can_be_invented_for_more_uploads(server: Server) -> None:
    with ExitStack() as uploads:
        for number in range(6):
            cookie = f"dfd_client=c{number}; dfd_session=c{number}.{number}"
            invented = {"Cookie": cookie, "X-Forwarded-For": f"10.0.0.{number}"}
            uploads.enter_context(server.begun_upload(**invented))
        server.wait_for_uploads(6)
        more = {"x-forwarded-for": "10.0.0.9", "cookie": "dfd_client=d; dfd_session=d.9"}
        assert server.post(b"text", **more).status_code == 429
        with server.client_at("127.0.0.2") as other:
            assert other.post("/api/scan", content=b"text", headers=RAW).status_code == 200
    server.wait_for_uploads(0)


def test_a_form_of_endless_parts_that_are_no_file_is_refused(server: Server) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\nvalue\r\n'
    with server.connection() as endless:
        endless.sendall(
            b"POST /api/scan HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        for _ in range(2 * 65536 // len(part)):
            endless.sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        endless.settimeout(10)
        assert endless.recv(65536).startswith(b"HTTP/1.1 413")
    assert server.uploads() == []
