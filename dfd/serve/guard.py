"""Checks on every request, the headers that protect browsers, and the cookies."""

import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from dfd.serve.limits import Refused

LOOPBACK = ("127.0.0.1", "localhost", "::1")
CLIENT, TOKEN = "dfd_client", "dfd_token"  # names of the cookies
_OPEN = ("/login", "/static/")  # paths that need no token
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Content security policy of a report, which contains its own style sheet and no script.
REPORT = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"


def check(request: Request, token: str | None, hosts: Sequence[str]) -> None:
    """Refuse a request that is not for this server, not from its own pages, or without the token.

    Args:
        request: The request.
        token: Token that the request must contain; None if none is needed.
        hosts: Host names of this server; empty if any name is accepted. They keep out a page of
            another site whose name resolves to this server (DNS rebinding).

    Raises:
        Refused: 400 for another host name, 403 for a form or script of another site, 401 without
            the token.

    Example:
        >>> from starlette.requests import Request
        >>> headers = [(b"host", b"evil.example")]
        >>> request = Request({"type": "http", "method": "GET", "path": "/", "headers": headers})
        >>> check(request, token=None, hosts=["localhost"])
        Traceback (most recent call last):
        dfd.serve.limits.Refused: (400, 'this server does not answer to that host name; ...
    """
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname
    if hosts and host not in hosts:
        raise Refused(400, "this server does not answer to that host name; see --allow-host")
    if request.method not in ("GET", "HEAD"):
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site", "none")
        if site not in ("none", "same-origin") or (
            origin not in (None, "null") and urlsplit(origin).netloc != request.headers.get("host")
        ):
            raise Refused(403, "sent by a page of another site")
    if token and not request.url.path.startswith(_OPEN) and not _has_token(request, token):
        raise Refused(401, "show the token: Authorization: Bearer TOKEN, or log in on /login")


def _has_token(request: Request, token: str) -> bool:
    """Return whether a request contains the token, in its Authorization header or its cookie."""
    kind, _, sent = request.headers.get("authorization", "").partition(" ")
    given = sent if kind.lower() == "bearer" else request.cookies.get(TOKEN, "")
    return same(given, token)


def same(given: str, token: str) -> bool:
    """Compare two tokens in a time that does not depend on where they differ.

    Args:
        given: What the client sent.
        token: The token of the server.

    Example:
        >>> same("s3cret", "s3cret"), same("guess", "s3cret")
        (True, False)
    """
    return secrets.compare_digest(given.encode(), token.encode())


def client_of(request: Request) -> str:
    """Return the client that sent a request.

    A browser is known by the cookie of its session, a program by its network address.
    """
    if session := request.cookies.get(CLIENT):
        return f"session {session}"
    return f"address {request.client.host if request.client else ''}"


def guarded(response: Response) -> Response:
    """Add the headers that restrict what browsers may do with a response, and return it."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", _PAGE)
    return response


def keep_cookie(response: Response, name: str, value: str) -> None:
    """Set a cookie that scripts cannot read and that requests from other sites do not carry."""
    response.set_cookie(name, value, httponly=True, samesite="strict", path="/")
