"""Connections: how many there may be, how long each may wait, and what is logged of them."""

import asyncio
import logging
import socket
import sys
import time
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

BACKLOG = 256  # connections that may wait to be accepted
_DESCRIPTORS = 4096
_BUFFER = 128 * 1024  # bytes of an answer that the system holds for the client
_TAKEN = 32 * 1024  # bytes of an answer that a client has to take while the timer runs
_SAME_S = 60  # seconds between two log records with the same message


class Connection(H11Protocol):
    """An HTTP connection that cannot wait for ever.

    uvicorn waits without a limit for the rest of a request, for the rest of a body that it has
    answered already, and for a client that does not read the answer. Here the server closes such a
    connection; a client that goes on reading a long answer keeps it. Of too many connections, the
    one that has waited longest makes room for the new one, so that idle connections keep nobody
    out.

    An application that takes a large body and limits its time itself sets
    ``request.state.admitted``; then the connection does not count as waiting.

    Attributes:
        waits_s: Seconds that a connection may wait for its client.
        most: Most open connections of one server.
    """

    waits_s: ClassVar[float] = 30
    most: ClassVar[int] = 1000
    _timer: asyncio.TimerHandle | None = None
    _unsent: int = 0  # bytes that waited for the client when the timer started

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # A larger buffer is emptied in steps so big that a slow reader seems to stand still.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        if len(self.connections) > self.most:
            self._make_room()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_timer()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are no HTTP; after the begin of an answer, only closing is left."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.abort()

    def _watch(self) -> None:
        """Start the timer while the client has to act, and stop it while the application has to."""
        if not self._is_waiting():
            self._stop_timer()
        elif self._timer is None:
            self._unsent = self.transport.get_write_buffer_size()
            self._timer = self.loop.call_later(self.waits_s, self._timed_out)

    def _is_waiting(self) -> bool:
        """Return whether the client has to act: to send the rest of a request, or to read."""
        if self.cycle is None or self.cycle.response_complete or self.flow.write_paused:
            return True
        return self.cycle.more_body and "admitted" not in self.scope["state"]

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _timed_out(self) -> None:
        """Close the connection, unless its client has taken a part of the answer meanwhile."""
        self._timer = None
        unsent = self.transport.get_write_buffer_size()
        if not self._is_waiting() or self._unsent - unsent >= _TAKEN:
            self._watch()
        else:
            self.transport.abort()

    def _give_up(self) -> None:
        self._stop_timer()
        self.transport.abort()

    def _make_room(self) -> None:
        waiting = [
            (connection._timer.when(), connection)
            for connection in self.connections
            if isinstance(connection, Connection) and connection._timer and connection._is_waiting()
        ]
        longest = min(waiting, key=lambda pair: pair[0])[1] if waiting else self
        longest._give_up()


def connection_class() -> type[Connection]:
    """Return the class of a server's connections, with as many as this process may open.

    Every connection takes a file descriptor. The limit of this process is raised where the system
    allows it, because the usual 1,024 are fewer than a server needs.

    Example:
        >>> connection_class().most > 100
        True
    """
    descriptors = _raised_limit()

    class Limited(Connection):
        most = min(Connection.most, descriptors // 2)

    return Limited


def _raised_limit() -> int:
    """Raise the limit of open files and return it."""
    if sys.platform == "win32":
        return _DESCRIPTORS
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return _DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


class OnceAMinute(logging.Filter):
    """Lets each kind of log record pass once a minute, so that clients cannot fill the disk.

    Records are of one kind if the first line of their message and the class of their exception are
    the same.

    Example:
        >>> record = logging.makeLogRecord({"msg": "no HTTP from %s", "args": ("a client",)})
        >>> limit = OnceAMinute()
        >>> limit.filter(record), limit.filter(record)
        (True, False)
    """

    def __init__(self) -> None:
        super().__init__()
        self._again: dict[tuple[str, object], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether no such record has passed within the last minute."""
        kind = (str(record.msg).partition("\n")[0], record.exc_info and record.exc_info[0])
        now = time.monotonic()
        if now < self._again.get(kind, 0):
            return False
        self._again[kind] = now + _SAME_S
        return True
