"""Checks on every request, and the headers that protect browsers."""

import re
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from dfd.serve.clients import Guesses, Sessions, same
from dfd.serve.limits import Refused

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_OPEN = ("/login", "/static/page.js", "/static/style.css")  # paths that need no token
# A name, an IPv4 address, or an IPv6 address in brackets; then perhaps a port.
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::[0-9]{1,5})?", re.I | re.ASCII)
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


class Guard:
    """Refuses requests that are not for this server, not from its own pages, or without the token.

    Args:
        token: Token that a request must contain; None if none is needed. A session stands for it,
            because with a token sessions begin only by logging in.
        hosts: Host names of this server; empty if any name is accepted. They keep out a page of
            another site whose name resolves to this server (DNS rebinding).
        sessions: The sessions of this server.
    """

    def __init__(self, token: str | None, hosts: Sequence[str], sessions: Sessions) -> None:
        self._token, self._hosts, self._sessions = token, hosts, sessions
        self._guesses = Guesses()

    def check(self, request: Request) -> None:
        """Check a request before anything of its body is read.

        Raises:
            Refused: 400 for another host name, 403 for a form or script of another site, 401
                without the token, 429 after too many wrong tokens.

        Example:
            >>> guard = Guard(token=None, hosts=["localhost"], sessions=Sessions())
            >>> headers = [(b"host", b"evil.example")]
            >>> request = {"type": "http", "method": "GET", "path": "/", "headers": headers}
            >>> guard.check(Request(request))
            Traceback (most recent call last):
            dfd.serve.limits.Refused: (400, 'this server does not answer to that host name; ...
        """
        sent_to = request.headers.get("host", "")
        name = _HOST.fullmatch(sent_to)
        if name is None or (self._hosts and (name[1] or name[2]).lower() not in self._hosts):
            raise Refused(400, "this server does not answer to that host name; see --allow-host")
        if request.method not in ("GET", "HEAD"):
            origin = request.headers.get("origin", "null")  # also sent where a page hides its own
            site = request.headers.get("sec-fetch-site", "none")
            of_another = origin != "null" and origin.partition("://")[2] != sent_to
            if of_another or site not in ("none", "same-origin"):
                raise Refused(403, "sent by a page of another site")
        # The path by which the route is found, and not the one of an address built from headers.
        if self._token and request.scope["path"] not in _OPEN and not self._may_enter(request):
            raise Refused(401, "show the token: Authorization: Bearer TOKEN, or log in on /login")

    def is_token(self, request: Request, given: str) -> bool:
        """Return whether a text is the token, and count it against the address if it is not.

        Raises:
            Refused: 429 after too many wrong tokens.
        """
        address = self._sessions.client_of(request).address
        self._guesses.check(address)
        right = self._token is not None and same(given, self._token)
        if not right:
            self._guesses.add(address)
        return right

    def _may_enter(self, request: Request) -> bool:
        """Return whether a request belongs to a session or contains the token."""
        if self._sessions.client_of(request).session:
            return True
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and self.is_token(request, given)


def guarded(response: Response) -> Response:
    """Add the headers that restrict what browsers may do with a response, and return it."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", _PAGE)
    return response
