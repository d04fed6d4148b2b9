"""Who sent a request: its network address, and the session that this server gave to a browser."""

import hashlib
import hmac
import ipaddress
import secrets
import time
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from dfd.serve.limits import Refused

SESSION = "dfd_session"  # name of the cookie
_IPV6_NETWORK = 64  # bits of the part that one customer of a network has for itself
_GUESSES = 10  # wrong tokens that an address may send at once
_GUESS_S = 6  # seconds until it may send one more
_MOST_ADDRESSES = 10_000


@dataclass(frozen=True)
class Client:
    """The sender of a request.

    Attributes:
        address: Its IPv4 address, or the /64 network of its IPv6 address.
        session: The id of its session; None if it is no browser.
    """

    address: str
    session: str | None

    @property
    def owner(self) -> str:
        """Whose history a scan is in: the session's, or without one the address's."""
        return self.session or self.address

    def is_like(self, other: "Client") -> bool:
        """Return whether two clients count as one: they share the session or the address."""
        return self.owner == other.owner or self.address == other.address


class Sessions:
    """Gives ids to browsers, signed so that nobody can invent one.

    A session needs no memory of the server, and ends with it at the latest.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def client_of(self, request: Request) -> Client:
        """Return the client that sent a request."""
        host = request.client.host if request.client else ""
        return Client(_network(host), self._session(request.cookies.get(SESSION, "")))

    def begin(self, request: Request, response: Response) -> None:
        """Set the cookie of a new session: scripts cannot read it, and other sites not send it."""
        session = secrets.token_urlsafe(24)
        response.set_cookie(
            SESSION,
            f"{session}.{self._signature(session)}",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )

    def _session(self, cookie: str) -> str | None:
        session, _, signature = cookie.rpartition(".")
        return session if same(signature, self._signature(session)) else None

    def _signature(self, session: str) -> str:
        return hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()


class Guesses:
    """Counts wrong tokens, so that an address can send ten, and then one every six seconds.

    Example:
        >>> guesses = Guesses()
        >>> for _ in range(10):
        ...     guesses.check("192.0.2.1")
        ...     guesses.add("192.0.2.1")
        >>> guesses.check("192.0.2.2")
        >>> guesses.check("192.0.2.1")
        Traceback (most recent call last):
        dfd.serve.limits.Refused: (429, 'too many wrong tokens came from your address; ...
    """

    def __init__(self) -> None:
        self._wrong: dict[str, tuple[float, float]] = {}  # number and time of the last one

    def check(self, address: str) -> None:
        """Refuse an address that has sent too many wrong tokens.

        Raises:
            Refused: 429; whether the token is right must not be told.
        """
        if self._number(address) > _GUESSES - 1:
            raise Refused(
                429, "too many wrong tokens came from your address; try again later", _GUESS_S
            )

    def add(self, address: str) -> None:
        """Count a wrong token."""
        number = self._number(address) + 1
        self._wrong.pop(address, None)  # so that the oldest stands first
        self._wrong[address] = (number, time.monotonic())
        if len(self._wrong) > _MOST_ADDRESSES:
            del self._wrong[next(iter(self._wrong))]

    def _number(self, address: str) -> float:
        number, then = self._wrong.get(address, (0.0, 0.0))
        return max(0.0, number - (time.monotonic() - then) / _GUESS_S)


def same(given: str, expected: str) -> bool:
    """Compare two secrets in a time that does not depend on where they differ.

    Args:
        given: What the client sent.
        expected: What it should be.

    Example:
        >>> same("s3cret", "s3cret"), same("gueß", "s3cret")
        (True, False)
    """
    return secrets.compare_digest(given.encode(), expected.encode())


def _network(host: str) -> str:
    """Return what stands for a client's address: many addresses of IPv6 belong to one client.

    Example:
        >>> _network("192.0.2.1"), _network("::ffff:192.0.2.1"), _network("2001:db8::1:2:3:4")
        ('192.0.2.1', '192.0.2.1', '2001:db8::/64')
    """
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
