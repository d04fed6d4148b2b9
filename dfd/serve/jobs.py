"""The scans of a server, kept in memory: arriving, waiting, running and finished."""

import secrets
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from dfd.errors import DfdError, VideoGivenUp
from dfd.isolation import WorkerPool
from dfd.scan.worker import NamedDetector
from dfd.serve.clients import Client
from dfd.serve.limits import Refused, ServerLimits
from dfd.serve.worker import Judged, Upload, judge, without_verdict

_BUSY_S = 10  # seconds after which a refused client may try again


@dataclass
class Job:
    """One upload and its scan.

    Attributes:
        client: The client that sent the upload.
        path: Where the upload is stored until it is judged.
        for_page: Whether the upload came from the page, which needs a report and keeps the
            result. A program gets the record only, and nothing is kept.
        id: Random text that nobody can guess.
        name: File name that the client gave to the upload.
        running: Whether a worker is judging the upload.
        outcome: The result, or ``Refused``.
    """

    client: Client
    path: Path
    for_page: bool
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    name: str = "upload"
    running: bool = False
    outcome: "Future[Judged]" = field(default_factory=Future)


class Jobs:
    """Accepts uploads within limits, judges them in worker processes and keeps the last results.

    Args:
        detector: The detector that judges.
        limits: Limits of the server.
        folder: Folder for the uploads.
    """

    def __init__(self, detector: NamedDetector, limits: ServerLimits, folder: Path) -> None:
        self._detector, self._limits, self._folder = detector, limits, folder
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._pool = WorkerPool(limits.scans, limits.scan)
        self._threads = ThreadPoolExecutor(limits.scans, thread_name_prefix="scan")

    def admit(self, client: Client, for_page: bool) -> Job:
        """Return a new job for an upload, before anything of the upload is read.

        Args:
            client: The client that sends the upload.
            for_page: Whether the upload comes from the page, which needs a report.

        Raises:
            Refused: 429 if this session or address has too many open uploads, 503 if the queue is
                full.
        """
        with self._lock:
            open_jobs = [job for job in self._jobs.values() if not job.outcome.done()]
            if len(open_jobs) >= self._limits.scans + self._limits.queue:
                raise Refused(503, "busy; try again in a moment", _BUSY_S)
            most = self._limits.per_client
            if sum(job.client.is_like(client) for job in open_jobs) >= most:
                raise Refused(
                    429, f"{most} videos from you are not judged yet; wait for one", _BUSY_S
                )
            job = Job(client, self._folder / secrets.token_hex(16), for_page)
            self._jobs[job.id] = job
            finished = [job for job in self._jobs.values() if job.outcome.done()]
            for old in finished[: -self._limits.history or None]:
                del self._jobs[old.id]
            return job

    def start(self, job: Job) -> None:
        """Judge an upload as soon as a worker is free."""
        self._threads.submit(self._judge, job)

    def drop(self, job: Job) -> None:
        """Forget a job."""
        with self._lock:
            self._jobs.pop(job.id, None)

    def of(self, client: Client) -> list[Job]:
        """Return the jobs of a client, the newest first."""
        with self._lock:
            jobs = reversed(self._jobs.values())
            return [job for job in jobs if job.client.owner == client.owner]

    def find(self, client: Client, job_id: str) -> Job | None:
        """Return a job of a client by its id; None if the client has no such job."""
        with self._lock:
            job = self._jobs.get(job_id)
        return job if job and job.client.owner == client.owner else None

    def ahead(self, job: Job) -> int:
        """Return how many uploads will be judged before this one."""
        with self._lock:
            waiting = [j for j in self._jobs.values() if not (j.running or j.outcome.done())]
        return waiting.index(job) if job in waiting else 0

    def close(self) -> None:
        """Stop the workers, even in the middle of a scan."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._pool.__exit__(None, None, None)

    def _judge(self, job: Job) -> None:
        job.running = True
        try:
            job.outcome.set_result(self._outcome(job))
        except Refused as error:
            job.outcome.set_exception(error)
        except DfdError as error:
            job.outcome.set_exception(Refused(500, error.line))
        except Exception as error:  # a bug: the client that waits must get an answer
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
