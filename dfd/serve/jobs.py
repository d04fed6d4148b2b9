"""The scans of a server: who asked for what, what waits, what came of it. All in memory."""

import secrets
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from dfd.errors import DfdError, VideoGivenUp
from dfd.isolation import WorkerPool
from dfd.scan.worker import NamedDetector
from dfd.serve.limits import Refused, ServerLimits
from dfd.serve.worker import Judged, Upload, judge, without_verdict

_BUSY_S = 10  # after which a refused client may ask again


@dataclass
class Job:
    """One upload.

    Attributes:
        id: Not to be guessed.
        client: Whose it is.
        path: Where it lies until it is judged.
        name: What the client calls it.
        for_page: Whether a report is made of it and kept; a program wants its record and no more.
        running: Whether a worker has it.
        outcome: What came of it: a verdict, or ``Refused``.
    """

    client: str
    path: Path
    for_page: bool
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    name: str = "upload"
    running: bool = False
    outcome: "Future[Judged]" = field(default_factory=Future)


class Jobs:
    """Takes uploads on within limits, judges them in worker processes, and remembers the last.

    Args:
        detector: What judges.
        limits: Of the server.
        folder: Where uploads lie.
    """

    def __init__(self, detector: NamedDetector, limits: ServerLimits, folder: Path) -> None:
        self._detector, self._limits, self._folder = detector, limits, folder
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._pool = WorkerPool(limits.scans, limits.scan)
        self._threads = ThreadPoolExecutor(limits.scans, thread_name_prefix="scan")

    def admit(self, client: str, for_page: bool) -> Job:
        """Return a place for an upload before anything of it is read.

        Args:
            client: Whose it is.
            for_page: As of ``Job``.

        Raises:
            Refused: 429 when this client has too many, 503 when all have.
        """
        with self._lock:
            open_jobs = [job for job in self._jobs.values() if not job.outcome.done()]
            if len(open_jobs) >= self._limits.scans + self._limits.queue:
                raise Refused(503, "busy; try again in a moment", _BUSY_S)
            if sum(job.client == client for job in open_jobs) >= self._limits.per_client:
                most = self._limits.per_client
                raise Refused(429, f"{most} of your videos are being looked at; wait", _BUSY_S)
            job = Job(client, self._folder / secrets.token_hex(16), for_page)
            self._jobs[job.id] = job
            for old in [job for job in self._jobs.values() if job.outcome.done()][
                : -self._limits.history or None
            ]:
                del self._jobs[old.id]
            return job

    def start(self, job: Job) -> None:
        """Have an upload judged once a worker is free."""
        self._threads.submit(self._judge, job)

    def drop(self, job: Job) -> None:
        """Forget an upload."""
        with self._lock:
            self._jobs.pop(job.id, None)

    def of(self, client: str) -> list[Job]:
        """Return a client's uploads, the newest first."""
        with self._lock:
            return [job for job in reversed(self._jobs.values()) if job.client == client]

    def find(self, client: str, job_id: str) -> Job | None:
        """Return a client's upload; None where it has no such."""
        with self._lock:
            job = self._jobs.get(job_id)
        return job if job and secrets.compare_digest(job.client, client) else None

    def ahead(self, job: Job) -> int:
        """Return how many uploads a worker takes before this one."""
        with self._lock:
            waiting = [j for j in self._jobs.values() if not (j.running or j.outcome.done())]
        return waiting.index(job) if job in waiting else 0

    def close(self) -> None:
        """Stop the workers, whatever they do."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._pool.__exit__(None, None, None)

    def _judge(self, job: Job) -> None:
        job.running = True
        try:
            job.outcome.set_result(self._outcome(job))
        except DfdError as error:
            job.outcome.set_exception(Refused(500, error.line))
        except Exception as error:  # a refusal or a fault; whoever waits must hear of it
            job.outcome.set_exception(error)
        if not job.for_page:
            self.drop(job)

    def _outcome(self, job: Job) -> Judged:
        upload = Upload(job.path, job.name, job.for_page)
        try:
            return self._pool.run(judge, upload, self._detector, self._limits)
        except VideoGivenUp as error:
            return without_verdict(upload, self._detector, error)
        finally:
            job.path.unlink(missing_ok=True)
