"""Limits of the server, and the exception for a request beyond them."""

from dataclasses import dataclass

from dfd.errors import DfdError
from dfd.isolation import Limits

_SCAN = Limits(time_s=300, memory_mb=4096)


@dataclass(frozen=True)
class ServerLimits:
    """Limits of one server.

    Attributes:
        upload_mb: Largest upload in units of 2**20 bytes.
        stall_s: Seconds within which an upload has to arrive, or a part of it at ``bytes_per_s``;
            otherwise it loses its place in the queue.
        bytes_per_s: Slowest rate of an upload.
        duration_s: Longest video in seconds.
        pixels: Most pixels of a frame.
        scans: Number of scans that run at the same time.
        queue: Most further uploads that may arrive or wait.
        per_client: Most uploads of one session, and of one address, that may arrive, wait or run.
        spare_mb: Space in units of 2**20 bytes that uploads leave free on their disk.
        scan: Time and memory that one scan may take.
        history: Number of finished scans to keep, of all clients together.
    """

    upload_mb: int = 512
    stall_s: float = 20
    bytes_per_s: float = 64 * 1024
    duration_s: float = 1800
    pixels: int = 8192 * 4320
    scans: int = 2
    queue: int = 16
    per_client: int = 6
    spare_mb: int = 128
    scan: Limits = _SCAN
    history: int = 200


class Refused(DfdError):
    """The server refuses a request.

    Attributes:
        status: HTTP status of the answer.
        detail: One line for the client.
        retry_after_s: Seconds after which the client may try again; None if that would not help.

    Example:
        >>> error = Refused(413, "larger than 512 MB, the most this server takes")
        >>> error.status, error.retry_after_s
        (413, None)
    """

    def __init__(self, status: int, detail: str, retry_after_s: int | None = None) -> None:
        super().__init__(status, detail, retry_after_s)  # pickle rebuilds the error from these
        self.status, self.detail, self.retry_after_s = status, detail, retry_after_s
