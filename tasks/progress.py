"""Progress of a stage on a page of the Prefect UI."""

import time
from typing import Self
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact

_EVERY_S = 10.0  # an update costs the server and the flow as much as a video
_LOGGED_EVERY_S = 30.0


class ProgressArtifact:
    """Prefect's progress artifact, used as a context in a flow: done, failed, rate, time left."""

    def __init__(self, key: str, total: int) -> None:
        self._key, self._total = f"{key}-progress", total
        self._done = self._failed = 0
        self._begun = self._shown = self._logged = time.monotonic()
        self._artifact: UUID | None = None

    def __enter__(self) -> Self:
        artifact = create_progress_artifact(0.0, key=self._key, description=self._line())
        assert isinstance(artifact, UUID)
        self._artifact = artifact
        return self

    def advance(self, failed: int) -> None:
        """Count one more video as done; ``failed`` is how many of those done have no result."""
        self._done, self._failed = self._done + 1, failed
        now = time.monotonic()
        if now - self._shown >= _EVERY_S:
            self._shown = now
            self._show()
        if now - self._logged >= _LOGGED_EVERY_S:
            self._logged = now
            get_run_logger().info(self._line())

    def __exit__(self, *failure: object) -> None:
        self._show()

    def _show(self) -> None:
        assert self._artifact is not None
        share = 100.0 * self._done / self._total if self._total else 100.0
        update_progress_artifact(self._artifact, share, description=self._line())

    def _line(self) -> str:
        line = f"{self._done} of {self._total} videos, {self._failed} failed"
        seconds = time.monotonic() - self._begun
        if not self._done or not seconds:
            return line
        rate = self._done / seconds
        left = (self._total - self._done) / rate
        return f"{line}, {rate:.2f} videos a second, {left:.0f} s left"
