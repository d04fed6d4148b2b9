"""What stands before every request: who may ask, from where, and what browsers may do with it."""

import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from dfd.serve.limits import Refused

LOOPBACK = ("127.0.0.1", "localhost", "::1")
CLIENT, TOKEN = "dfd_client", "dfd_token"  # cookies
_OPEN = ("/login", "/static/")  # without a token
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
# A report holds its own style, and no script.
REPORT = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"


def check(request: Request, token: str | None, hosts: Sequence[str]) -> None:
    """Let a request in, or refuse it.

    Args:
        request: The request.
        token: What it must show; None for nothing.
        hosts: Names this server goes by; a page elsewhere that has its own name point here is shut
            out by them (DNS rebinding). None given: any.

    Raises:
        Refused: 400 for another host, 403 for another site's form, 401 without the token.
    """
    name = urlsplit(f"//{request.headers.get('host', '')}").hostname
    if hosts and name not in hosts:
        raise Refused(400, "this server does not go by that name; see --allow-host")
    if request.method not in ("GET", "HEAD"):
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site", "none")
        if site not in ("none", "same-origin") or (
            origin not in (None, "null") and urlsplit(origin).netloc != request.headers.get("host")
        ):
            raise Refused(403, "asked for by another site's page")
    if token and not request.url.path.startswith(_OPEN) and not shows(request, token):
        raise Refused(401, "show the token: Authorization: Bearer TOKEN, or log in on /login")


def shows(request: Request, token: str) -> bool:
    """Return whether a request shows the token, in its header or its cookie."""
    kind, _, sent = request.headers.get("authorization", "").partition(" ")
    given = sent if kind.lower() == "bearer" else request.cookies.get(TOKEN, "")
    return same(given, token)


def same(given: str, token: str) -> bool:
    """Compare in a time that tells nothing."""
    return secrets.compare_digest(given.encode(), token.encode())


def client_of(request: Request) -> str:
    """Return whose request this is: its session's cookie, or its address for a program."""
    if session := request.cookies.get(CLIENT):
        return f"session {session}"
    return f"address {request.client.host if request.client else ''}"


def guarded(response: Response) -> Response:
    """Add what browsers must keep to."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", _PAGE)
    return response


def keep_cookie(response: Response, name: str, value: str) -> None:
    """Set a cookie that scripts cannot read and other sites cannot send."""
    response.set_cookie(name, value, httponly=True, samesite="strict", path="/")
