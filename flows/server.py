"""The Prefect server of a flow: the one that ``PREFECT_API_URL`` names, or a temporary one.

A temporary server answers on a socket that belongs to the program which started it. If the server
is killed, the program starts it again, and requests wait at the socket meanwhile. If the program is
killed, the server ends. Its records are in the folder ``.prefect`` of the project.
"""

import logging
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_HOME,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    temporary_settings,
)

from dfd.errors import DfdError
from flows.progress import shown_steps

SERVER_ERRORS = (httpx.TransportError, PrefectHTTPStatusError)  # what a client raises without one
_LOCAL = ("127.0.0.1", "localhost", "::1")
_RETRIES = 2  # of a request to a local server: six seconds, and not the minute of Prefect
_LAST_STATES_S = 2.0  # a server that is stopped loses the states it has not written yet
_FIRST_SIZE = 2**21  # bytes that the server's database takes at first
_ENVIRONMENT = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",  # as Prefect starts its own temporary servers
    "PREFECT__SERVER_FINAL": "1",
}

log = logging.getLogger("dfd")


class ServerError(DfdError):
    """No Prefect server answers, or a temporary one cannot be started."""


class LostServerError(ServerError):
    """The Prefect server of a flow has ended before the flow."""


@contextmanager
def prefect_server() -> Iterator[None]:
    """Provide a Prefect server while the context lasts.

    Raises:
        ServerError: No server answers, or a temporary one cannot be started.
        LostServerError: It has ended before the context.
    """
    url, temporary = PREFECT_API_URL.value(), None
    with ExitStack() as stack:
        if url:
            _check(url)
            if urlsplit(url).hostname in _LOCAL:
                stack.enter_context(temporary_settings({PREFECT_CLIENT_MAX_RETRIES: _RETRIES}))
        else:
            temporary = stack.enter_context(_TemporaryServer())
            url = temporary.url
            stack.enter_context(temporary_settings({PREFECT_API_URL: url}))
        try:
            yield
        except SERVER_ERRORS as error:
            if temporary and temporary.failure:
                raise LostServerError(str(temporary.failure)) from error
            raise LostServerError(
                f"PREFECT_API_URL: the Prefect server at {url} fails ({_reason(str(error))}); "
                "start one that answers, and run again: what is done is kept"
            ) from error


def _check(url: str) -> None:
    if get_client(sync_client=True).api_healthcheck():
        raise ServerError(
            f"PREFECT_API_URL: no Prefect server answers at {url}; start `prefect server start`, "
            "or unset the variable"
        )


class _TemporaryServer:
    """A server process that is started again when it is killed; used as a context.

    Attributes:
        url: Address of its API.
        failure: Why it could not be started again; None as long as it could.
    """

    def __init__(self) -> None:
        """Check the folder of the server's records, and find a port."""
        self.failure: ServerError | None = None
        self._home = PREFECT_HOME.value()
        _check_home(self._home)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/api"
        self._ending = False
        self._changing = threading.Lock()  # of the process: it is either started again, or stopped

    def __enter__(self) -> Self:
        with shown_steps() as on_step:
            on_step("starting Prefect", 0, 0)
            self._start()
        threading.Thread(target=self._keep_alive, daemon=True).start()
        return self

    def __exit__(self, *failure: object) -> None:
        time.sleep(_LAST_STATES_S)
        with self._changing:
            self._ending = True
            self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._listener.close()

    def _keep_alive(self) -> None:
        """Start the server again whenever it ends by itself, until it cannot be started."""
        while not self.failure:
            code = self._process.wait()
            if self._ending:
                return
            log.warning("the Prefect server has ended (%s) and is started again", _how(code))
            try:
                self._start()
            except ServerError as error:
                self.failure = error
                self._listener.close()  # who waits at it is told that there is no server

    def _start(self) -> None:
        """Start the process, and wait until it answers."""
        descriptor = self._listener.fileno()
        with tempfile.TemporaryFile() as output:
            with self._changing:
                if self._ending:
                    return
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "flows.server", str(descriptor)],
                    env={**os.environ, **_ENVIRONMENT},
                    pass_fds=[descriptor],
                    stdin=subprocess.PIPE,  # closes with this process, however it ends
                    stdout=subprocess.DEVNULL,
                    stderr=None if os.environ.get("DFD_DEBUG") else output,
                    start_new_session=True,  # Ctrl-C is for the flow, which tells the server of it
                )
            end = time.monotonic() + PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value()
            while time.monotonic() < end and self._process.poll() is None:
                if _answers(self.url):
                    return
                time.sleep(0.1)
            self._process.kill()
            output.seek(0)
            reason = _reason(output.read().decode(errors="replace"))
        raise ServerError(
            f"{self._home}: no Prefect server can keep its records there ({reason}); make room or "
            "give rights, or move the folder away, then run again"
        )


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=1).is_success
    except httpx.TransportError:
        return False


def _check_home(home: Path) -> None:
    """Check that the folder of the server's records can be written, before the server tries."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(bytes(_FIRST_SIZE))
    except OSError as error:
        raise ServerError(
            f"{home}: cannot be written ({error.strerror}); make room or give rights, then run "
            "again: Prefect keeps its records there"
        ) from error


def _reason(said: str) -> str:
    """Return the line that tells most of an error's text or of a program's output."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    raised = [line for line in lines if re.match(r"[\w.]+(Error|Exception)\b", line)]
    return (raised or lines or ["it does not answer"])[-1][:160]


def _how(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _serve(descriptor: int) -> None:
    """Be a temporary server: answer on a socket that is open, until the parent process ends."""
    import uvicorn

    def end_with_parent() -> None:
        sys.stdin.buffer.read()  # returns when nobody holds the other end
        os._exit(0)

    threading.Thread(target=end_with_parent, daemon=True).start()
    application = "prefect.server.api.server:create_app"
    config = uvicorn.Config(application, factory=True, log_level="error", lifespan="on")
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
