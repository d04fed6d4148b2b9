"""Logging in: what a stranger may send before the token is known."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from starlette.requests import Request

from dfd.serve.bodies import read_fields
from dfd.serve.limits import Refused
from tests.serve.servers import Server

FORM = {"content-type": "application/x-www-form-urlencoded"}


def test_a_stranger_cannot_send_a_file_to_the_login(server: Server) -> None:
    """A form with files would be written to the disk before the token is known."""
    answer = httpx.post(f"{server.url}/login", files={"token": bytes(2**20)}, timeout=60)
    assert answer.status_code == 415
    assert "application/x-www-form-urlencoded" in answer.json()["detail"]


@pytest.mark.parametrize("told", [True, False])
def test_a_long_login_is_refused_whether_its_size_is_told_or_not(
    server: Server, told: bool
) -> None:
    body = b"token=" + b"x" * 5000
    content = body if told else iter([body[:3000], body[3000:]])
    answer = httpx.post(f"{server.url}/login", content=content, headers=FORM, timeout=60)
    assert answer.status_code == 413
    assert "4096 bytes" in answer.json()["detail"]


def test_thousands_of_fields_are_refused(server: Server) -> None:
    answer = httpx.post(f"{server.url}/login", content=b"a&" * 2000, headers=FORM, timeout=60)
    assert answer.status_code == 422


def test_a_login_that_never_ends_is_given_up() -> None:
    """The server itself waits for 10 seconds."""

    def request(receive: Callable[[], Awaitable[dict[str, object]]]) -> Request:
        headers = [(b"content-type", FORM["content-type"].encode())]
        return Request({"type": "http", "headers": headers}, receive)

    async def trickling() -> dict[str, object]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"t", "more_body": True}

    with pytest.raises(Refused, match="too little arrived") as caught:
        asyncio.run(read_fields(request(trickling), within_s=0.1))
    assert caught.value.status == 408
