"""What the server takes on, and the refusals beyond it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of one server.

    Attributes:
        upload_mb: Size of an upload, in 2**20 bytes.
        duration_s: Length of a video.
        pixels: Of a frame.
        scans: Scans that run at once.
        queue: Scans that wait or arrive beyond those.
        per_client: Scans of one client that arrive, wait or run.
        time_s: Wall-clock seconds a scan may take.
        memory_mb: Memory a scan may take, in 2**20 bytes.
        history: Finished scans kept, of all clients together.
    """

    upload_mb: int = 512
    duration_s: float = 1800
    pixels: int = 8192 * 4320
    scans: int = 2
    queue: int = 16
    per_client: int = 6
    time_s: float = 300
    memory_mb: int = 4096
    history: int = 200


class Refused(Exception):
    """A request that is not taken on: HTTP status, one line for the client, seconds to wait."""

    def __init__(self, status: int, detail: str, retry_after_s: int | None = None) -> None:
        super().__init__(status, detail, retry_after_s)  # so that a worker can hand it over
        self.status, self.detail, self.retry_after_s = status, detail, retry_after_s
