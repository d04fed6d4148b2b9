"""What the server takes on, and the refusals beyond it."""

from dataclasses import dataclass

from dfd.isolation import Limits

_SCAN = Limits(time_s=300, memory_mb=4096)


@dataclass(frozen=True)
class ServerLimits:
    """Bounds of one server.

    Attributes:
        upload_mb: Size of an upload, in 2**20 bytes.
        duration_s: Length of a video.
        pixels: Of a frame.
        scans: Scans that run at once.
        queue: Scans that wait or arrive beyond those.
        per_client: Scans of one client that arrive, wait or run.
        scan: Time and memory that one scan may take.
        history: Finished scans kept, of all clients together.
    """

    upload_mb: int = 512
    duration_s: float = 1800
    pixels: int = 8192 * 4320
    scans: int = 2
    queue: int = 16
    per_client: int = 6
    scan: Limits = _SCAN
    history: int = 200


class Refused(Exception):
    """A request that is not taken on: HTTP status, one line for the client, seconds to wait."""

    def __init__(self, status: int, detail: str, retry_after_s: int | None = None) -> None:
        super().__init__(status, detail, retry_after_s)  # so that a worker can hand it over
        self.status, self.detail, self.retry_after_s = status, detail, retry_after_s
